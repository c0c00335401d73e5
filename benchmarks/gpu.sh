#!/usr/bin/env bash
# All that a short loan of a GPU is for, in one call: benchmarks/gpu.sh OUT [MIRROR] [MINUTES]
#
#   OUT      a folder for a few files of less than 16 MB: measured.txt (device, checks, times), runs.txt, runs-1.zip
#            (finished runs, for `kingdra-reproduce merge=OUT`), unfinished.tar.gz (histories and logs of the others),
#            compiled.tar.gz (what torch.compile made)
#   MIRROR   a folder with the data sets' files, plain, .xz or .gz
#   MINUTES  9.5, unless told otherwise: the script ends before
#
# Called again with the same OUT it goes on: on the same machine in the middle of a run; on another one (OUT is all that is
# needed) with what was not finished. What is large lies in WORK, a folder of this machine. Where there is no git
# repository, KINGDRA_COMMIT says which commit the runs are of. DEVICE=cpu goes through all of it with small settings and
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
# Where the package is not installed its settings are found beside it.
[[ -e src/kingdra_repro/configs ]] || ln -s ../../configs src/kingdra_repro/configs
mkdir -p "$WORK"

left() { echo $((SECONDS_IN_ALL - SECONDS)); }

part() { # part NAME SECONDS COMMAND...: at most so long (ten times on a CPU); what it prints goes into measured.txt
    local name=$1 limit=$2 began=$SECONDS status
    shift 2
    [[ $DEVICE == cuda ]] || limit=$((10 * limit))
    grep -qs "^== $name: done" "$OUT/measured.txt" && return
    ((limit < $(left) - 60)) || limit=$(($(left) - 60)) # the runs are worth more
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

leave() { # what of unfinished runs is small, and what was compiled: both whole or as they were
    cd "$WORK" || return
    local files=(outputs/logs/*.log) folder
    for folder in outputs/*/*/seed*/; do
        [[ -e $folder/result.json ]] || files+=("$folder"history.csv "$folder"run.log)
    done
    mapfile -t files < <(ls -d "${files[@]}" 2>/dev/null)
    ((${#files[@]})) && tar -czf unfinished.tar.gz "${files[@]}" && take unfinished.tar.gz
    [[ -d compiled ]] && tar -czf compiled.tar.gz compiled && take compiled.tar.gz
}

take() { # take FILE: into OUT, where it is small enough
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

# A machine that was given back has nothing but OUT.
[[ -d $WORK/compiled || ! -e $OUT/compiled.tar.gz ]] || tar -xzf "$OUT/compiled.tar.gz" -C "$WORK"
if [[ ! -e $WORK/results/runs.csv && -e $OUT/runs-1.zip ]]; then
    "$PYTHON" -c "import sys; from pathlib import Path; from kingdra_repro.reproduce.store import merge
print('%d finished runs in OUT, %d of them new here' % merge(*map(Path, sys.argv[1:])))" "$WORK/results" "$OUT"
fi

# While the GPU is checked the CPU unpacks the data.
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
# The run that is at work at the end of the budget stops within seconds; the signal is for what would not.
budget=$(($(left) - 30))s
timeout -s INT -k 5 $(($(left) - 10)) "$PYTHON" -c "from kingdra_repro.programs.reproduce import main; main()" \
    "${runs[@]}" "budget=$budget" report=false "archive=$OUT" \
    "results=$WORK/results" "output_dir=$WORK/outputs" "device=$DEVICE" ${MIRROR:+"mirror=$MIRROR"} \
    2>&1 | tee -a "$OUT/runs.txt"
