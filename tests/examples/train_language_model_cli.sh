#!/bin/sh
# SPDX-License-Identifier: MIT
# train_language_model_cli.sh PROGRAM FOLDER: bad input is refused in one sentence before any training, a small run leaves
# its data, and a run that is stopped and resumed ends with the numbers of one that was not, for any number of threads.
set -eu
program=$1
folder=$2
rm -rf "$folder"
mkdir -p "$folder"
cd "$folder"
failures=0

fail() {
  echo "FAILED: $*"
  failures=$((failures + 1))
}

refuses() {  # refuses ARGUMENT...: a non-zero exit, one line on stderr, nothing trained
  if "$program" --out refused "$@" >out.txt 2>err.txt; then fail "accepted: $*"; fi
  [ "$(wc -l <err.txt)" = 1 ] || fail "$*: not one sentence: $(cat err.txt)"
  [ ! -e refused/report.json ] || fail "$*: left a report"
}

: >empty.txt
echo "too short" >short.txt
refuses --text missing.txt
refuses --text empty.txt
refuses --text .
refuses --text short.txt
refuses --steps 0
refuses --streams 3
refuses --channels 30 --heads 4
refuses --connection nonsense
refuses --connection permutation --streams 8
refuses --connection orthostochastic --streams 8
refuses --learning-rate -1
refuses --resume missing.checkpoint
refuses --device tpu
touch file
"$program" --steps 1 --out file/inside >out.txt 2>err.txt && fail "accepted a folder inside a file"
[ "$(wc -l <err.txt)" = 1 ] || fail "unwritable folder: not one sentence: $(cat err.txt)"

small="--layers 2 --channels 16 --context 16 --batch 2 --validation 1 --sample 20 --save-every 2"
"$program" $small --steps 6 --threads 1 --out whole >out.txt 2>&1 || fail "the small run: $(tail -1 out.txt)"
for file in report.html report.json steps.csv gains.csv h_res.csv validation.csv; do
  [ -s "whole/$file" ] || fail "no $file"
done

# A GPU, or one sentence that says what is missing: nvcc when it was built, or the device.
if ! "$program" $small --steps 1 --device cuda --out device >out.txt 2>err.txt; then
  [ "$(wc -l <err.txt)" = 1 ] || fail "--device cuda: not one sentence: $(cat err.txt)"
  grep -q 'built with nvcc\|there is no CUDA device' err.txt || fail "--device cuda: says not what is missing: $(cat err.txt)"
fi

# Every family of residual mixing, for every number of streams it takes.
families=identity,unconstrained,kronecker,circulant,transport,orthogonal,euclidean
for streams in 1 2 8; do
  "$program" $small --steps 1 --streams $streams --connection $families --out families >out.txt 2>&1 ||
    fail "$streams streams of $families: $(tail -1 out.txt)"
done
for streams in 1 2 4; do
  "$program" $small --steps 1 --streams $streams --connection permutation,orthostochastic --out families >out.txt 2>&1 ||
    fail "$streams streams of permutation, orthostochastic: $(tail -1 out.txt)"
done

# The same numbers: with two threads, with recomputation, and stopped half way and resumed.
"$program" $small --steps 6 --threads 2 --out threads >out.txt 2>&1 || fail "two threads: $(tail -1 out.txt)"
"$program" $small --steps 6 --recompute --out recomputed >out.txt 2>&1 || fail "--recompute: $(tail -1 out.txt)"
"$program" $small --steps 6 --save run.checkpoint --out first >out.txt 2>&1 &
child=$!
while kill -0 $child 2>/dev/null && [ ! -e run.checkpoint ]; do sleep 0.02; done
kill -INT $child 2>/dev/null || true
wait $child || true
"$program" $small --steps 6 --resume run.checkpoint --out resumed >out.txt 2>&1 || fail "--resume: $(tail -1 out.txt)"
numbers() {  # the training curves without the times
  cut -d, -f1-4 "$1/steps.csv"
}
head -3 whole/steps.csv
for other in threads recomputed resumed; do
  [ "$(numbers whole)" = "$(numbers $other)" ] || fail "$other: other numbers than the whole run"
done
"$program" $small --steps 6 --channels 32 --resume run.checkpoint --out other >out.txt 2>err.txt &&
  fail "resumed a checkpoint of other settings"

[ "$failures" = 0 ] && echo "all as expected"
exit "$failures"
