// SPDX-License-Identifier: MIT
// How the streams of deep products become the same.

#include "support/geometry.hpp"
#include "support/refusals.hpp"

#include <mhc/geometry/collapse.hpp>

#include <cmath>

using namespace mhc::test;

namespace {

using array = std::vector<double>;

array average(int n) { return array(mhc::detail::at(n, n, 0), 1. / n); }

array identity(int n) {
  array m(mhc::detail::at(n, n, 0));
  for (int i = 0; i < n; ++i) m[mhc::detail::at(n, i, i)] = 1;
  return m;
}

}  // namespace

TEST_CASE("collapse of the extremes", "[geometry][collapse]") {
  for (int n : {2, 4, 7}) {
    auto const none = mhc::collapse(view(identity(n)));
    CHECK(none.second_singular_value == 1);
    CHECK(none.dobrushin == 1);
    CHECK(none.distance_to_average == approx(std::sqrt(n - 1.)));
    CHECK(none.effective_rank == approx(n));
    auto const all = mhc::collapse(view(average(n)));
    CHECK(all.second_singular_value <= 1e-15);
    CHECK(all.dobrushin == 0);
    CHECK(all.distance_to_average <= 1e-15);
    CHECK(all.effective_rank == approx(1).epsilon(1e-12));
  }
}

TEST_CASE("collapse_by_depth: streams become the same, and never less so", "[geometry][collapse][law]") {
  int const layers = 60;
  auto const h_res = repeated(layers, [](unsigned l) { return random_plan(4, 2, l + 1); });
  std::vector<mhc::stream_collapse> depth(layers);
  mhc::collapse_by_depth(as_batch<4>(h_res), depth);
  array composite = identity(4);
  double bound = 1;
  for (std::size_t l = 0; l < depth.size(); ++l) {
    array const layer(h_res.begin() + static_cast<std::ptrdiff_t>(l) * 16,
                      h_res.begin() + static_cast<std::ptrdiff_t>(l + 1) * 16);
    composite = product(layer, composite);
    bound *= mhc::second_singular_value(view(layer));
    auto const expected = mhc::collapse(view(composite));
    CHECK(depth[l].second_singular_value == approx(expected.second_singular_value).margin(1e-15));
    CHECK(depth[l].effective_rank == approx(expected.effective_rank));
    CHECK(depth[l].second_singular_value <= bound + 1e-15);
    if (l == 0) continue;
    CHECK(depth[l].second_singular_value <= depth[l - 1].second_singular_value + 1e-15);
    CHECK(depth[l].dobrushin <= depth[l - 1].dobrushin + 1e-15);
    CHECK(depth[l].distance_to_average <= depth[l - 1].distance_to_average + 1e-15);
  }
  CHECK(depth.back().second_singular_value < 1e-12);
  CHECK(depth.back().effective_rank == approx(1).epsilon(1e-9));
}

TEST_CASE("a NaN spoils its layer and the later ones", "[geometry][collapse]") {
  array h_res = repeated(3, [](unsigned l) { return random_plan(3, 1, l + 1); });
  h_res[10] = not_a_number<double>;
  std::vector<mhc::stream_collapse> depth(3);
  mhc::collapse_by_depth(as_batch<3>(h_res), depth);
  for (std::size_t l = 0; l < 3; ++l) {
    CHECK(std::isnan(depth[l].second_singular_value) == (l > 0));
    CHECK(std::isnan(depth[l].dobrushin) == (l > 0));
    CHECK(std::isnan(depth[l].distance_to_average) == (l > 0));
    CHECK(std::isnan(depth[l].effective_rank) == (l > 0));
  }
}

TEST_CASE("collapse refuses what does not fit", "[geometry][collapse][refusal]") {
  auto const says = [](auto&& f, char const* text) { CHECK_THAT(refusal(f), contains(text)); };
  says([] { mhc::collapse(mhc::matrix_view<double const>{nullptr, 2}); }, "mhc::collapse: composite is null");
  array const h_res(16);
  std::vector<mhc::stream_collapse> depth(2);
  says([&] { mhc::collapse_by_depth(as_batch<4>(h_res), depth); },
       "mhc::collapse_by_depth: by_depth has 2 entries, expected 1");
}
