#!/usr/bin/env bash
# Check that two nodes give the same labels as one process: two network namespaces of this machine act as the
# nodes, with two torchrun ranks on each. Needs root, iproute2, and a Python that has the package.
#
#     scripts/two_nodes.sh PYTHON FOLDER [SETTING ...]
set -euo pipefail
python=$1 folder=$2
shift 2
settings=(dataset=digits base.hidden='[16,16]' ensemble.size=6 training.iterations=2 training.first_epochs=2
    training.epochs=1 report.map=none "$@")

close() {
    ip netns delete kingdra0 2>/dev/null || true
    ip netns delete kingdra1 2>/dev/null || true
}
trap close EXIT
close
ip netns add kingdra0
ip netns add kingdra1
ip link add kingdra0 netns kingdra0 type veth peer name kingdra1 netns kingdra1
for node in 0 1; do
    ip -n kingdra$node address add 10.77.0.$((node + 1))/24 dev kingdra$node
    ip -n kingdra$node link set kingdra$node up
    ip -n kingdra$node link set lo up
done

export OMP_NUM_THREADS=1
for node in 0 1; do
    GLOO_SOCKET_IFNAME=kingdra$node ip netns exec kingdra$node "$python" -m torch.distributed.run \
        --nnodes=2 --node-rank=$node --nproc-per-node=2 --master-addr=10.77.0.1 --master-port=29577 \
        -m kingdra_repro "${settings[@]}" output_dir="$folder/four" &
    pids[node]=$!
done
wait "${pids[0]}"
wait "${pids[1]}"
"$python" -m kingdra_repro "${settings[@]}" n_jobs=1 output_dir="$folder/one"
sha256sum "$folder"/*/*/*/*/labels.npy
[ "$(sha256sum "$folder"/*/*/*/*/labels.npy | cut -d' ' -f1 | uniq | wc -l)" = 1 ] && echo "the same labels"
