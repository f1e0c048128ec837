# SPDX-License-Identifier: MIT
# gnuplot -c bench/accuracy/plot.gnuplot accuracy.csv accuracy.svg: what mhc_accuracy wrote, as a picture.
set terminal svg size 900,460 dynamic background "white" font "sans-serif,12"
set output ARG2
set datafile separator ","
set logscale xy
set format y "10^{%T}"
set xlabel "σ of the logits"
set key below maxcols 2 samplen 2
set grid ytics lc rgb "#dddddd"
line(measure, type, solver) = sprintf("< grep '^%s,%s,%s,' '%s'", measure, type, solver, ARG1)

set multiplot layout 1,2
set title "Marginal error of the plan, mean, float"
set yrange [1e-8:10]
marginal(solver) = line("marginal", "float", solver)
plot marginal("entropic") using 4:5 title "entropic" with linespoints lw 2 lc rgb "#08519c" pt 7 ps 0.6, \
     marginal("sinkhorn<> 20") using 4:5 title "sinkhorn, 20" with linespoints lc rgb "#e6550d" pt 7 ps 0.6, \
     marginal("sinkhorn<> 1000") using 4:5 title "sinkhorn, 1000" with linespoints lc rgb "#fdae6b" pt 7 ps 0.6, \
     marginal("sinkhorn<deepseek_v4> 20") using 4:5 title "deepseek\\_v4, 20" with linespoints lc rgb "#31a354" pt 7 ps 0.6

set title "Gradients off by more than 1 %, float"
unset logscale y
set format y "%g %%"
set yrange [0:100]
gradient(solver) = line("gradient", "float", solver)
plot gradient("entropic") using 4:8 title "entropic" with linespoints lw 2 lc rgb "#08519c" pt 7 ps 0.6, \
     gradient("elsewhere: r = c = 1") using 4:8 title "r = c = 1" with linespoints lc rgb "#e6550d" pt 7 ps 0.6, \
     gradient("elsewhere: Cramer clamped determinant") using 4:8 title "clamped determinant" with linespoints lc rgb "#756bb1" pt 7 ps 0.6, \
     gradient("elsewhere: pinned Cholesky") using 4:8 title "pinned Cholesky" with linespoints lc rgb "#31a354" pt 7 ps 0.6, \
     gradient("elsewhere: conjugate gradients") using 4:8 title "conjugate gradients" with linespoints lc rgb "#636363" pt 7 ps 0.6
unset multiplot
