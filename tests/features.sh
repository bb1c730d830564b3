#!/usr/bin/env bash
# Every combination of features builds without a warning. A build without any has no libpcap, reads files
# as every other does, and says of what it lacks which feature has it. The core without its own feature
# passes its tests, and links nothing of what that is for.
set -euo pipefail
cd "$(dirname "$0")/.."

for features in "" live report bundle live,report live,bundle; do
    echo "features: ${features:-none}"
    cargo clippy --quiet --no-default-features --features "$features" -- -D warnings
done
echo 'the core: without details'
core=(-p portstory-core --no-default-features)
cargo clippy --quiet "${core[@]}" --all-targets -- -D warnings
cargo test --quiet "${core[@]}" --lib
if cargo tree "${core[@]}" -e normal --prefix none | grep -E '^(aes|aes-gcm|digest|hkdf|md-5|sha1|sha2|x509-parser) '; then
    echo 'the core without details: it links that' >&2
    exit 1
fi

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
fail() { echo "a build without features: $*" >&2; exit 1; }

built=${CARGO_TARGET_DIR:-target}/debug/portstory
# With the profile of `cargo test`, which has built what both stand on.
cargo build --quiet --profile test --no-default-features
mv "$built" "$place/none"
cargo build --quiet --profile test
cp "$built" "$place/all"

ldd "$place/none" | grep libpcap && fail "it needs libpcap"
"$place/none" --version | grep -qx 'features: -live -report -bundle' || fail "its version does not say so"
"$place/none" --help | grep -E '(^  |portstory )(live|who|doctor|capture-guide|interfaces|report|bundle|verify) ' &&
    fail "its help shows that"
for program in none all; do
    "$place/$program" read fixtures --format eve >"$place/$program.json" 2>"$place/$program.log" || true
done
grep -q '"event_type":"flow"' "$place/none.json" || fail "$(cat "$place/none.log")"
cmp "$place/none.json" "$place/all.json"

# FEATURE COMMAND...: one sentence, and exit code 2.
lacks() {
    local feature=$1 said code=0
    shift
    said=$("$place/none" "$@" 2>&1 >"$place/out") || code=$?
    if [ "$code" -ne 2 ] || [ "$(wc -l <<<"$said")" -ne 1 ] || [[ $said != *"feature \`$feature\`"* ]]; then
        fail "$*: exit code $code: $said"
    fi
}
capture=fixtures/ssh-openssh/capture.pcap
lacks live live -i lo
lacks live who
lacks live doctor
lacks live capture-guide --host linux
lacks live plan --host linux
lacks live interfaces
lacks live read -f 'port 22' "$capture"
lacks report report "$capture"
lacks report read --report "$place/page.html" "$capture"
lacks bundle bundle "$capture" -o "$place/b.zip"
lacks bundle verify "$place/b.zip"
