#!/usr/bin/env bash
# Runs the README's two commands in a bare Debian: debootstrap's minbase with a Rust toolchain and
# nothing else. What they need and `setup` does not install, shows here.
#
#   tests/bare-trees.sh [RELEASE...]      bookworm and trixie, if none is named
#   KEEP=1 tests/bare-trees.sh bookworm   leave the tree (its path is printed)
#
# Takes what is committed, as a clone does. Prints the packages that each command installed and the
# time it took; a log of each command is left in target/bare-trees/. Needs root, debootstrap and about
# 10 GB below $TMPDIR. The crates that this machine has already downloaded are lent to the tree.
set -euo pipefail

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
logs=$repository/target/bare-trees
toolchain=$(rustc --print sysroot)
registry=${CARGO_HOME:-$HOME/.cargo}/registry

# The commands stand in the README: the fenced lines that begin with ./setup.
mapfile -t commands < <(grep -E '^\./setup .*&& cargo (run|test)' "$repository/README.md")
((${#commands[@]} == 2)) || { echo "the README's two commands were not found" >&2; exit 1; }

packages() { chroot "$tree" dpkg-query -W -f '${Package}\n' | sort; }

plant() {
    debootstrap --variant=minbase "$release" "$tree" >"$logs/$release.debootstrap.log" 2>&1
    mkdir -p "$tree/opt/rust" "$tree/root/.cargo"
    cp -a "$toolchain/." "$tree/opt/rust"
    [[ ! -d $registry ]] || cp -a "$registry" "$tree/root/.cargo/"
    git clone -q "$repository" "$tree/root/portstory"
    cp /etc/resolv.conf "$tree/etc/resolv.conf"
}

inside() {
    # Mounts of its own, which go with the last process inside. The tree is the root, as on a real machine,
    # and not only what chroot(2) makes of it: the kernel names deleted files from the root of mounts, and
    # `ip netns` changes how mounts spread from it.
    unshare --mount --pid --fork --propagation private bash -c '
        mount --bind "$0" "$0" && cd "$0" && mount -t proc proc proc && mount -t sysfs sys sys &&
        mount --rbind /dev dev && mount -t tmpfs run run && mkdir -p .outside && pivot_root . .outside &&
        umount -l /.outside && cd / && exec /usr/bin/env -i HOME=/root \
            PATH=/opt/rust/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
            bash -c "cd /root/portstory && $1"
    ' "$tree" "$1"
}

try() {
    local before after started=$SECONDS status=0 log=$logs/$release.$1.log
    before=$(packages)
    inside "$2" >"$log" 2>&1 </dev/null || status=$?
    after=$(packages)
    local added
    added=$(comm -13 <(echo "$before") <(echo "$after"))
    printf '%s: %s\n  exit %d after %d s; %d packages installed: %s\n' "$release" "$2" "$status" \
        $((SECONDS - started)) "$(grep -c . <<<"$added" || true)" "$(tr '\n' ' ' <<<"$added")"
    if ((status != 0)); then
        tail -40 "$log"
        failed=1
    else
        grep -E '^test result|^(#|[0-9]+) ' "$log" |
            awk '/^test result/ { passed += $4; failed += $6; next } { print "  " $0 }
                 END { if (passed) printf "  %d tests passed, %d failed\n", passed, failed }'
    fi
}

failed=0
mkdir -p "$logs"
(($#)) || set -- bookworm trixie
for release in "$@"; do
    tree=$(mktemp -d)
    # A root that others cannot enter is no Debian.
    chmod 755 "$tree"
    plant
    echo "$release: $(packages | wc -l) packages to begin with"
    try 1 "${commands[0]}"
    try 2 "${commands[1]}"
    if [[ -n ${KEEP-} ]]; then echo "$tree"; else rm -rf --one-file-system "$tree"; fi
done
exit $failed
