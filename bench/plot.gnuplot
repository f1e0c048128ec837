# SPDX-License-Identifier: MIT
# gnuplot -c bench/plot.gnuplot bench.json bench.svg: what a layer costs per token, as mhc_bench wrote it.
set terminal svg size 900,460 dynamic background "white" font "sans-serif,12"
set output ARG2
set logscale xy
set key below maxrows 3 samplen 2
set grid ytics lc rgb "#dddddd"
set format y "%g"
set ylabel "µs per token"
cores = system(sprintf("sed -n 's/^ *\"cores\": \"\\([0-9]*\\)\".*/\\1/p' '%s'", ARG1))

# Pairs (x, ns) of a layer in float: `fixed` chooses lines, `x` is n or channels, `ns` is ns or naive_ns.
pairs(operation, fixed, threads, x, ns) = sprintf( \
  "< grep '\"operation\": \"layer/%s\", \"type\": \"float\"' '%s' | grep '%s' | grep '\"threads\": %s,' | sed 's/.*\"%s\": \\([0-9]*\\).* \"%s\": \\([0-9.e+]*\\).*/\\1 \\2/'", \
  operation, ARG1, fixed, threads, x, ns)
mhc(operation, threads) = pairs(operation, fixed, threads, x, "ns")
eigen(operation) = pairs(operation, fixed, "1", x, "naive_ns")

set multiplot layout 1,2
set title "A layer around the identity, 4 streams, float"
set xlabel "C"
set xrange [50:9000]
set xtics (64, 256, 1280, 4096, 7168)
fixed = "\"n\": 4,"; x = "channels"
plot eigen("step") using 1:($2 / 1e3) title "with gradients, Eigen" with linespoints lc rgb "#e6550d" pt 7 ps 0.6, \
     mhc("step", "1") using 1:($2 / 1e3) title "with gradients, 1 thread" with linespoints lw 2 lc rgb "#08519c" pt 7 ps 0.6, \
     mhc("step", cores) using 1:($2 / 1e3) title "with gradients, ".cores." threads" with linespoints lc rgb "#6baed6" pt 7 ps 0.6, \
     eigen("forward") using 1:($2 / 1e3) title "forward, Eigen" with linespoints dt 2 lc rgb "#e6550d" pt 6 ps 0.6, \
     mhc("forward", "1") using 1:($2 / 1e3) title "forward, 1 thread" with linespoints dt 2 lw 2 lc rgb "#08519c" pt 6 ps 0.6, \
     mhc("forward", cores) using 1:($2 / 1e3) title "forward, ".cores." threads" with linespoints dt 2 lc rgb "#6baed6" pt 6 ps 0.6
set title "C = 1280"
set xlabel "n"
set xrange [1.8:9]
set xtics (2, 4, 8)
fixed = "\"channels\": 1280,"; x = "n"
replot
unset multiplot
