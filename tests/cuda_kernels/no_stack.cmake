# SPDX-License-Identifier: MIT
# cmake -DOBJECTS=FILE[;FILE...] -P no_stack.cmake: by OBJECT.txt, what ptxas says of each kernel, none but these keeps
# anything in memory of its own.
#   gradient::unrolled keeps the scalings of every iteration, where a run-time option of the kind may ask for it: the
#   2 KB are read and written only then.
#   spread shares a multiprocessor in two blocks of 128 registers a thread: up to 40 bytes are left over on sm_80, 24 on
#   sm_90 where it adds to x_gradient, none on sm_100; of bfloat16, which a lane stores eight at a time, 64, 24 and none.
#   Three narrower blocks leave nothing over, and took 2 to 5 % longer on an H200.
cmake_minimum_required(VERSION 3.24)
set(allowed "gate_weights_kernel.*sinkhorn" "project_vjp_kernel.*sinkhorn"
  "spread_kernelILi[14]EfLi24ELi4E" "spread_kernelILi[18]ENS_8bfloat16ELi24ELi4E")

set(met "")
set(kernels 0)
foreach(object IN LISTS OBJECTS)
  file(STRINGS ${object}.txt lines REGEX "Function properties for|bytes stack frame")
  foreach(line IN LISTS lines)
    if(line MATCHES "Function properties for ([^ ]+)")
      set(kernel ${CMAKE_MATCH_1})
      continue()
    endif()
    math(EXPR kernels "${kernels} + 1")
    if(line MATCHES "^ *0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads")
      continue()
    endif()
    set(reason "")
    foreach(name IN LISTS allowed)
      if(kernel MATCHES "${name}")
        set(reason "${name}")
      endif()
    endforeach()
    if(reason STREQUAL "")
      message(SEND_ERROR "${kernel}:${line}")
    endif()
    list(APPEND met "${reason}")
  endforeach()
endforeach()
foreach(name IN LISTS allowed)
  if(NOT name IN_LIST met)
    message(SEND_ERROR "no kernel ${name} has a stack: take its name out of the list")
  endif()
endforeach()
if(kernels LESS 60)
  message(SEND_ERROR "${kernels} kernels are too few: has the report another form?")
endif()
