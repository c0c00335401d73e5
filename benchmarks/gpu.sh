#!/usr/bin/env bash
# All that is to be measured on a GPU, in one call: benchmarks/gpu.sh OUT [MIRROR]
# MIRROR holds the four MNIST files in mnist/. Each part leaves a file in OUT; one that is there is not done again, so
# that the script can be stopped, and called again. Written for the case that time on the GPU is short: the
# checks come first, then the timings, then runs. DEVICE=cpu goes through all of it without a GPU, with small runs.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
OUT=${1:?give the folder for the results}
MIRROR=${2:-null}
DEVICE=${DEVICE:-cuda}
PYTHON=${PYTHON:-python}
export PYTHONPATH="$PWD/src${PYTHONPATH:+:$PYTHONPATH}"
# Where the package is not installed its settings are found beside it.
[[ -e src/kingdra_repro/configs ]] || ln -s ../../configs src/kingdra_repro/configs
mkdir -p "$OUT"

part() { # part NAME SECONDS COMMAND...: at most so long; its output is the file NAME.txt
    local name=$1 limit=$2
    shift 2
    [[ -e $OUT/$name.txt ]] && return
    echo "== $name ($(date +%T)): $*"
    if timeout "$limit" "$@" >"$OUT/$name.part" 2>&1; then
        mv "$OUT/$name.part" "$OUT/$name.txt"
    else
        echo "   failed or out of time ($?); the end of $OUT/$name.part:"
        tail -3 "$OUT/$name.part"
    fi
}
run() { # run NAME SECONDS OVERRIDES...: a run whose result.json and history.csv are kept
    local name=$1 limit=$2
    shift 2
    part "$name" "$limit" $PYTHON -c "from kingdra_repro.programs.run import main; main()" "$@" \
        device=$DEVICE mirror="$MIRROR" output_dir="$OUT/runs"
}

part device 60 $PYTHON -c "import torch; print(torch.__version__, torch.cuda.is_available() and torch.cuda.get_device_name())"
part tests 400 $PYTHON -m pytest -q -p no:cacheprovider tests/training/test_step.py tests/pseudo_labels
cuda=$([[ $DEVICE == cuda ]] && echo cuda || true)
part losses 400 $PYTHON scripts/losses.py "$OUT/losses.json" fast $cuda
part training 500 $PYTHON benchmarks/training.py $cuda mnist
part graph 400 $PYTHON benchmarks/graph.py $cuda 70000
if [[ $DEVICE == cuda ]]; then
    short=() # 10 models, 10 iterations of 5 epochs: 80 minutes on four P100 in the paper
    paper=(training.iterations=10 training.precision=bfloat16)
else
    short=(ensemble.size=2 training.first_epochs=1 training.epochs=1 training.batch_size=1000)
    paper=(training.iterations=1 training.precision=bfloat16 "${short[@]}")
fi
run mnist_kingdra 600 dataset=mnist seed=0 "${paper[@]}"
run mnist_kingdra_shuffled 600 dataset=mnist seed=0 training.order=epoch "${paper[@]}"
for precision in float32 tf32 bfloat16; do # what reduced precision changes: ten models, after the first phase
    run "mnist_ensemble_$precision" 300 dataset=mnist method=ensemble seed=0 training.precision=$precision "${short[@]}"
done
find "$OUT" -name '*.part' | sed 's/^/not finished: /'
