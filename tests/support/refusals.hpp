// SPDX-License-Identifier: MIT
#pragma once

// Refused calls: every argument of an operation is spoiled in every way, one at a time.

#include "support/arrays.hpp"

#include <mhc/core/error.hpp>
#include <mhc/core/views.hpp>

#include <cstddef>
#include <stdexcept>
#include <string>
#include <vector>

namespace mhc::test {

/// The words of the error that f throws, or what happened instead.
template <class F>
std::string refusal(F&& f) {
  try {
    f();
  } catch (shape_error const& e) {
    return e.what();
  } catch (option_error const& e) {
    return std::string("option: ") + e.what();
  } catch (scaling_error const& e) {
    return std::string("scaling: ") + e.what();
  } catch (std::exception const& e) {
    return std::string("another exception: ") + e.what();
  }
  return "no exception";
}

/// f throws, and says all of the texts.
template <class F>
void require_refused(F&& f, std::initializer_list<std::string> texts) {
  auto const words = refusal(f);
  for (auto const& text : texts) {
    INFO("says: " << words);
    INFO("expected: " << text);
    REQUIRE(words.find(text) != std::string::npos);
  }
}

/// Memory that the views of one call are cut from.
template <class T>
class arena {
 public:
  T* take(std::ptrdiff_t count) {
    T* const at = memory_.data() + used_;
    REQUIRE(count <= slot);  // so that no argument reaches another's neighbour
    used_ += 2 * slot;
    REQUIRE(used_ <= static_cast<std::ptrdiff_t>(memory_.size()));
    return at;
  }
  template <int N>
  batch_view<T, N> matrices(std::ptrdiff_t batch) {
    return {take(batch * N * N), batch};
  }
  template <int K>
  vector_view<T, K> vectors(std::ptrdiff_t batch) {
    return {take(batch * K), batch};
  }
  template <int N>
  stream_view<T, N> streams(std::ptrdiff_t batch, std::ptrdiff_t channels) {
    return {take(batch * N * channels), batch, channels};
  }
  token_view<T> tokens(std::ptrdiff_t batch, std::ptrdiff_t channels) {
    return {take(batch * channels), batch, channels};
  }
  std::vector<T> const& memory() const { return memory_; }

 private:
  static constexpr std::ptrdiff_t slot = 1000;
  std::vector<T> memory_ = gaussian<T>(40 * slot);
  std::ptrdiff_t used_ = 0;
};

namespace detail_of_refusals {

template <class View>
auto& data_of(View& view) {
  if constexpr (requires { view.data; }) {
    return view.data;
  } else {
    return view;  // a parameter array is a pointer
  }
}

template <class Call, class F>
Call with_field(Call call, int field, F&& change) {
  int k = 0;
  call.each([&](char const*, auto& view, bool) {
    if (k++ == field) change(view);
  });
  return call;
}

template <class Call>
void refuse_field(std::string const& operation, Call const& good, int field, std::string const& name) {
  auto const refused = [&](auto&& change, std::initializer_list<std::string> texts) {
    INFO("argument: " << name);
    auto const bad = with_field(good, field, change);
    require_refused([&] { bad.run(); }, texts);
  };
  bool const leads = name == good.leader;  // the others are measured against it, and blamed
  std::string const blamed = operation + ": " + (leads ? "" : name + " ");
  refused([](auto& v) { data_of(v) = nullptr; }, {operation + ": " + name + " is null, expected"});
  refused(
      [](auto& v) {
        auto& p = data_of(v);
        p = reinterpret_cast<std::decay_t<decltype(p)>>(reinterpret_cast<std::uintptr_t>(p) + 1);
      },
      {operation + ": " + name + " is misaligned, expected a multiple of"});
  int k = 0;
  auto copy = good;
  copy.each([&](char const*, auto& view, bool) {
    if (k++ != field) return;
    if constexpr (requires { view.size; }) {
      for (std::ptrdiff_t const size : {view.size - 1, view.size + 1, std::ptrdiff_t{0}})
        refused(
            [&](auto& v) {
              if constexpr (requires { v.size; }) v.size = size;
            },
            {blamed, std::to_string(leads ? view.size : size), "tokens or matrices, expected"});
      for (std::ptrdiff_t const size :
           {std::ptrdiff_t{-1}, std::ptrdiff_t{-2}, std::numeric_limits<std::ptrdiff_t>::min() + 1})
        refused(
            [&](auto& v) {
              if constexpr (requires { v.size; }) v.size = size;
            },
            {operation + ": "});
    }
    if constexpr (requires { view.channels; }) {
      for (std::ptrdiff_t const channels : {view.channels - 1, view.channels + 1})
        refused(
            [&](auto& v) {
              if constexpr (requires { v.channels; }) v.channels = channels;
            },
            {operation + ": ", "channels, expected"});
      for (std::ptrdiff_t const channels : {0, -1, -3})
        refused(
            [&](auto& v) {
              if constexpr (requires { v.channels; }) v.channels = channels;
            },
            {operation + ": ", "channels"});
    }
  });
}

}  // namespace detail_of_refusals

/// Call holds views in good order and runs the operation: each(f) calls f(name, view, written) for every argument,
/// run() runs it, `leader` names the argument that sizes are measured against, and may_share(a, b) says whether the
/// written argument a may be b itself.
template <class Call, class T>
void require_refusals(std::string const& operation, Call const& good, arena<T> const& memory) {
  using namespace detail_of_refusals;
  auto const before = memory.memory();
  std::vector<std::string> names;
  std::vector<bool> written;
  auto copy = good;
  copy.each([&](char const* name, auto&, bool writes) { names.emplace_back(name), written.push_back(writes); });
  for (int field = 0; field < static_cast<int>(names.size()); ++field) {
    auto const& name = names[static_cast<std::size_t>(field)];
    refuse_field(operation, good, field, name);
    if (!written[static_cast<std::size_t>(field)]) continue;
    for (int other = 0; other < static_cast<int>(names.size()); ++other) {
      if (other == field) continue;
      auto const& with = names[static_cast<std::size_t>(other)];
      std::uintptr_t address = 0;
      with_field(good, other, [&](auto& v) { address = reinterpret_cast<std::uintptr_t>(data_of(v)); });
      for (std::size_t const offset : {std::size_t{0}, sizeof(T)}) {
        if (offset == 0 && good.may_share(name, with)) continue;
        if constexpr (requires { Call::single; })  // one element: what begins behind it does not overlap
          if (offset > 0 && with.find(Call::single) != std::string::npos) continue;
        INFO(name << " on " << with << " + " << offset);
        auto const bad = with_field(good, field, [&](auto& v) {
          auto& p = data_of(v);
          p = reinterpret_cast<std::decay_t<decltype(p)>>(address + offset);
        });
        require_refused([&] { bad.run(); }, {operation + ": ", " overlaps ", name, with, "expected memory of its own"});
      }
    }
  }
  REQUIRE(same_bits(before, memory.memory()));  // nothing was written
  good.run();                                   // and the call that was spoiled is a good one
  REQUIRE(!same_bits(before, memory.memory()));
}

}  // namespace mhc::test
