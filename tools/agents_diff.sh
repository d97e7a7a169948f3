#!/bin/sh
# What another version of the rules about agents changes: who becomes a bot, who becomes a person.
#
#   tools/agents_diff.sh OLD [CORPORA]
#
# OLD is a revision, or a built `portalmeter`. It is compared with the working tree, or with $NEW if that
# names a built one. CORPORA is a folder of lists, one User-Agent a line (*.txt, *.txt.gz), or in the last column (*.tsv).
set -eu
cd "$(dirname "$0")/.."

old=${1:-HEAD}
corpora=${2:-../shared/corpora/user-agents}
# Of each list so many changes are shown; the numbers are of all.
most=${MOST:-40}

if [ ! -d "$corpora" ]; then
    echo "there are no lists of User-Agents in $corpora: tools/agents_diff.sh OLD FOLDER names another folder" >&2
    exit 2
fi

work=$(mktemp -d)
trap 'git worktree remove --force "$work/old" 2>/dev/null || true; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

# Both are built where the working tree is: what it depends on is there already.
build() { # folder, name
    (cd "$1" && CARGO_TARGET_DIR="$root/target" cargo build --quiet --locked -p portalmeter)
    cp "$root/target/debug/portalmeter" "$work/$2"
}
root=$PWD

if [ -f "$old" ] && [ -x "$old" ]; then
    cp "$old" "$work/before"
else
    revision=$(git rev-parse --verify --quiet "$old^{commit}") || {
        echo "\`$old\` is neither a revision nor a program" >&2
        exit 2
    }
    git worktree add --quiet --detach "$work/old" "$revision"
    build "$work/old" before
fi
if [ -n "${NEW:-}" ]; then cp "$NEW" "$work/after"; else build "$root" after; fi

changes=0
for list in "$corpora"/*.txt "$corpora"/*.txt.gz "$corpora"/*.tsv; do
    [ -f "$list" ] || continue
    name=$(basename "$list")
    case $name in
    label-conflicts.tsv) continue ;;
    *.tsv) awk -F '\t' 'NR > 1 && NF > 1 && $NF != "" { print $NF }' "$list" >"$work/list" ;;
    *.gz) gzip -dc "$list" | grep -v '^$' >"$work/list" || continue ;;
    *) grep -v '^$' "$list" >"$work/list" || continue ;;
    esac
    "$work/before" agents "$work/list" >"$work/before.tsv"
    "$work/after" agents "$work/list" >"$work/after.tsv"
    paste "$work/before.tsv" "$work/after.tsv" | LC_ALL=C awk -F '\t' -v list="$name" -v most="$most" '
        # Both have three columns; a User-Agent with tabs in it has more of them, the same in both halves.
        { half = NF / 2; was = $1; is = $(half + 1); lines++; before += was == "bot"; after += is == "bot" }
        was != is {
            changed++
            text = $3
            for (column = 4; column <= half; column++) text = text "\t" $column
            pattern = is == "bot" ? $(half + 2) : $2
            if (changed <= most) shown = shown sprintf("  now %-5s  %s  (%s)\n", is, text, pattern)
        }
        END {
            printf "%s: %d lines, bots before %d, after %d, changed %d\n%s", list, lines, before, after, changed, shown
            if (changed > most) printf "  … and %d more\n", changed - most
            exit changed > 0
        }' || changes=1
done
[ "$changes" = 0 ] && echo "no verdict differs"
exit 0
