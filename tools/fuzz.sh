#!/usr/bin/env bash
# Throws hostile input at all that reads some: cookies, tokens, logs, configurations, patterns, forwarded fields, whole requests.
#
#   tools/fuzz.sh [SECONDS] [TARGET…]   each target so long (120 s), all of them if none is named; JOBS at a time (one a core)
#
# Plain cargo and the pinned stable Rust do: what cargo-fuzz would add, coverage for libFuzzer, is the flags below. No sanitizer:
# there is no unsafe code of ours; but overflows are checked and assertions hold (fuzz/Cargo.toml).
# The corpus grows in target/fuzz/corpus. A finding is a failure, and says how to see it again.
set -euo pipefail
cd "$(dirname "$0")/.."

host=$(rustc -vV | sed -n 's/^host: //p')
folder=${CARGO_TARGET_DIR:-target}/fuzz
programs=$folder/$host/release

# libFuzzer ends with this if an input took too long, by the wall clock.
too_long=70

run() { # target, then what libFuzzer wants to know
    local target=$1
    shift
    "$programs/$target" -timeout=10 -rss_limit_mb=2048 "$@" </dev/null
}

# One target: its line, and 1 if it found something.
one() {
    local target=$1 seconds=$2 end=$((SECONDS + $2)) code=0 input=
    local corpus=$folder/corpus/$target found=$folder/findings/$target log=$folder/logs/$target.log
    mkdir -p "$corpus" "$found" "$folder/logs"
    : >"$log"
    while
        code=0
        run "$target" -max_total_time="$((end - SECONDS))" -max_len=4096 -print_final_stats=1 -artifact_prefix="$found/" \
            -dict="fuzz/dictionaries/$target.dict" "$corpus" "fuzz/seeds/$target" >>"$log" 2>&1 || code=$?
        input=$(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)
        # What is quick when asked again waited for a busy machine: it is no finding, and the time goes on.
        [ "$code" = "$too_long" ] && run "$target" "$input" >>"$log" 2>&1
    do
        rm -f "$input"
        code=0
        [ "$SECONDS" -lt "$end" ] || break
    done
    local executions covered kept
    executions=$(awk '/^stat::number_of_executed_units:/ { sum += $2 } END { print sum + 0 }' "$log")
    covered=$(grep -aoE ' cov: [0-9]+' "$log" | tail -n 1 | tr -dc 0-9) || true
    kept=$(find "$corpus" -type f | wc -l)
    printf '%-10s %12s executions %8s/s   corpus %6s   coverage %6s   %s\n' "$target" "$executions" \
        "$((executions / seconds))" "$kept" "${covered:-?}" \
        "$([ "$code" = 0 ] && echo 'no finding' || echo 'A FINDING')"
    [ "$code" != 0 ] || return 0
    {
        grep -aE -A 2 'panicked at|libFuzzer: (timeout|out-of-memory|fuzz target)' "$log" | head -n 6 || tail -n 12 "$log"
        echo "the input: ${input:-none was written}; all that was said: $log"
        echo "again:     $programs/$target ${input:-}"
    } | sed 's/^/           /'
    return 1
}

if [ "${1:-}" = --one ]; then
    one "$2" "$3"
    exit
fi

seconds=120
if [[ ${1:-} =~ ^[1-9][0-9]*$ ]]; then
    seconds=$1
    shift
fi
targets=("$@")
if [ ${#targets[@]} = 0 ]; then
    for file in fuzz/fuzz_targets/*.rs; do targets+=("$(basename "$file" .rs)"); done
fi
build=()
for target in "${targets[@]}"; do
    if [ ! -f "fuzz/fuzz_targets/$target.rs" ]; then
        echo "fuzz: there is no target \`$target\`: look into fuzz/fuzz_targets" >&2
        exit 2
    fi
    build+=(--bin "$target")
done

coverage="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4"
for way in inline-8bit-counters pc-table trace-compares; do coverage="$coverage -Cllvm-args=-sanitizer-coverage-$way"; done
echo "fuzz: building ${targets[*]}; dependencies take some minutes the first time"
# With --target, build scripts and macros are built without these flags.
RUSTFLAGS="--cfg fuzzing $coverage" cargo build --manifest-path fuzz/Cargo.toml --release --locked --quiet --target "$host" \
    --target-dir "$folder" "${build[@]}"

if ! printf '%s\n' "${targets[@]}" | xargs -P "${JOBS:-$(nproc)}" -I '{}' "$0" --one '{}' "$seconds"; then
    echo "fuzz: there are findings; the input, cut down by hand, is a test that fails, and then a seed in fuzz/seeds" >&2
    exit 1
fi
