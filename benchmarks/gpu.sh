#!/usr/bin/env bash
# Everything to do on a GPU that is available for a few minutes, in one call: benchmarks/gpu.sh OUT [MIRROR] [MINUTES]
#
#   OUT      a folder for a few files of less than 16 MB each: measured.txt (device, checks, times), runs.txt, runs-1.zip
#            (finished runs, for `kingdra-reproduce merge=OUT`), unfinished.tar.gz (histories and logs of the other runs),
#            compiled.tar.gz (the cache of torch.compile)
#   MIRROR   a folder with the data sets' files, plain, .xz or .gz
#   MINUTES  time limit of the script, 9.5 by default
#
# Called again with the same OUT, the script resumes: on the same machine in the middle of a run, on another machine (which
# needs only OUT) with the runs that were not finished. Large files are kept in WORK, a local folder. Outside a git
# repository, KINGDRA_COMMIT names the commit of the runs. DEVICE=cpu runs everything with small settings and
# scikit-learn's digits.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
OUT=$(mkdir -p "${1:?give the folder for the results}" && cd "$1" && pwd)
MIRROR=${2:-}
MINUTES=${3:-9.5}
DEVICE=${DEVICE:-cuda}
PYTHON=${PYTHON:-python}
WORK=${WORK:-${TMPDIR:-/tmp}/kingdra-gpu-$(id -u)}
SECONDS_IN_ALL=$(awk "BEGIN { print int(60 * $MINUTES) }")
export KINGDRA_DATA_DIR=${KINGDRA_DATA_DIR:-$WORK/data} TORCHINDUCTOR_CACHE_DIR=$WORK/compiled
export PYTHONPATH="$PWD/src${PYTHONPATH:+:$PYTHONPATH}" PYTHONUNBUFFERED=1
# If the package is not installed, it looks for its settings next to its code.
[[ -e src/kingdra_repro/configs ]] || ln -s ../../configs src/kingdra_repro/configs
mkdir -p "$WORK"

left() { echo $((SECONDS_IN_ALL - SECONDS)); }

part() { # part NAME SECONDS COMMAND...: run with a time limit (times ten on a CPU); the output goes to measured.txt
    local name=$1 limit=$2 began=$SECONDS status
    shift 2
    [[ $DEVICE == cuda ]] || limit=$((10 * limit))
    grep -qs "^== $name: done" "$OUT/measured.txt" && return
    ((limit < $(left) - 60)) || limit=$(($(left) - 60)) # the rest of the time is for the runs
    ((limit > 0)) || return
    echo "== $name ($(date +%T))" | tee -a "$OUT/measured.txt"
    timeout -s INT -k 10 "$limit" "$@" >>"$OUT/measured.txt" 2>&1 </dev/null
    status=$?
    ((status == 0)) && echo "== $name: done in $((SECONDS - began)) s" >>"$OUT/measured.txt" && return
    echo "== $name: failed or out of time ($status) after $((SECONDS - began)) s" | tee -a "$OUT/measured.txt"
}

program() { # program MODULE ARGUMENTS...: one of the package's programs
    local module=$1
    shift
    "$PYTHON" -c "from kingdra_repro.programs.$module import main; main()" "$@"
}

leave() { # save the small files of unfinished runs, and the compile cache; each archive is replaced atomically
    cd "$WORK" || return
    local files=(outputs/logs/*.log) folder
    for folder in outputs/*/*/seed*/; do
        [[ -e $folder/result.json ]] || files+=("$folder"history.csv "$folder"run.log)
    done
    mapfile -t files < <(ls -d "${files[@]}" 2>/dev/null)
    ((${#files[@]})) && tar -czf unfinished.tar.gz "${files[@]}" && take unfinished.tar.gz
    [[ -d compiled ]] && tar -czf compiled.tar.gz compiled && take compiled.tar.gz
}

take() { # take FILE: move a copy into OUT if it is small enough
    (($(wc -c <"$1") < 16000000)) && cp "$1" "$OUT/.$1" && mv "$OUT/.$1" "$OUT/$1"
}
trap leave EXIT

if [[ $DEVICE == cuda ]]; then
    checks=(tests/training/test_step.py tests/pseudo_labels -k "gpu or cuda") cuda=(cuda) shapes=(mnist short) rows=(70000)
    runs=(experiments=[gpu] first=rows)
    datasets=(mnist stl reuters newsgroups cifar10)
else
    checks=(tests/pseudo_labels/test_mapping.py) cuda=() shapes=(digits short) rows=(1000 short)
    runs=(experiments=[smoke] first=rows one_process=true n_jobs=1)
    datasets=()
fi

# A fresh machine has only OUT.
[[ -d $WORK/compiled || ! -e $OUT/compiled.tar.gz ]] || tar -xzf "$OUT/compiled.tar.gz" -C "$WORK"
if [[ ! -e $WORK/results/runs.csv && -e $OUT/runs-1.zip ]]; then
    "$PYTHON" -c "import sys; from pathlib import Path; from kingdra_repro.reproduce.store import merge
print('%d finished runs in OUT, %d of them new here' % merge(*map(Path, sys.argv[1:])))" "$WORK/results" "$OUT"
fi

# The CPU unpacks the data while the GPU is checked.
for dataset in "${datasets[@]}"; do
    program data prepare "dataset=$dataset" ${MIRROR:+"mirror=$MIRROR"}
done >"$WORK/data.txt" 2>&1 &

part device 30 "$PYTHON" -c "import os, torch; gpu = torch.cuda.is_available()
print('torch', torch.__version__, '| CUDA', torch.version.cuda, '|', torch.cuda.get_device_name() if gpu else 'no GPU',
      '|', os.cpu_count(), 'cores')"
[[ $DEVICE == cuda ]] && part driver 10 nvidia-smi
part checks 150 "$PYTHON" -m pytest -v -p no:cacheprovider "${checks[@]}"
part steps 60 "$PYTHON" benchmarks/training.py "${cuda[@]}" "${shapes[@]}"
part graph 40 "$PYTHON" benchmarks/graph.py "${cuda[@]}" "${rows[@]}"

wait
cat "$WORK/data.txt"
(($(left) > 45)) || exit
# A run in progress at the end of the budget stops within seconds; the signal is a fallback.
budget=$(($(left) - 30))s
timeout -s INT -k 5 $(($(left) - 10)) "$PYTHON" -c "from kingdra_repro.programs.reproduce import main; main()" \
    "${runs[@]}" "budget=$budget" report=false "archive=$OUT" \
    "results=$WORK/results" "output_dir=$WORK/outputs" "device=$DEVICE" ${MIRROR:+"mirror=$MIRROR"} \
    2>&1 | tee -a "$OUT/runs.txt"
