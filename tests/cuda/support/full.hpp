// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

namespace mhc::test {

struct full_device_result {
  std::string words;         ///< of the error while there was no memory
  std::vector<double> plan;  ///< when there was some again
};

/// The unrolled gradient of sinkhorn, N = 6, on a device whose memory is all in use, then `project` on one with free memory.
full_device_result run_on_full_device(std::vector<double> const& logits, std::vector<double> const& gradient);

}  // namespace mhc::test
