#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# Man pages against the programs: the options of --help and those of OPTIONS are the same, and EXAMPLES run, as do the README's of
# lm-train.
#
# The convention for EXAMPLES: each `.Bd -literal` block is a shell script.  The blocks of a page run in
# order, in one empty folder, with the programs in PATH and the files of samples.bash under the names below.  A block
# that cannot run there (it needs the network, a GPU, hours) has the line `.\" not run: WHY` right before its .Bd.
# Lines of a block may start with `$ `; then only these are run, and the others show what they print.

load samples

setup_file() {
  export SAMPLES=$BATS_FILE_TMPDIR/samples
  make_samples || { echo 'the samples cannot be made' >&2; return 1; }
}

setup() {
  SAMPLES=$BATS_FILE_TMPDIR/samples
  ROOT=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
  cd "$BATS_TEST_TMPDIR" || return 1
}

# --help: "  -o, --output FILE  text" -> -o and --output, sorted
help_options() { "$BIN/$1" --help | sed '/^Examples:/,$d' | grep -oE '^ {2,6}(-[A-Za-z0-9](, )?)?(--[a-z0-9-]+)?' | grep -oE -- '--?[A-Za-z0-9][A-Za-z0-9-]*' | LC_ALL=C sort -u; }

# .It Fl o , Fl -output Ar FILE -> -o and --output
manual_options() { sed -nE 's/^\.It (Fl .*)$/\1/p' "$ROOT/man/$1.1" | grep -oE 'Fl (\\-|-)?[A-Za-z0-9][A-Za-z0-9-]*' | sed -E 's/^Fl (\\?-)?/-\1/; s/\\//' | LC_ALL=C sort -u; }

@test "the options of each man page are those of --help" {
  local wrong=0 tool path
  for path in "$BIN"/*; do
    tool=${path##*/}
    [ -f "$ROOT/man/$tool.1" ] || { echo "$tool has no man page"; wrong=1; continue; }
    help_options "$tool" > help
    manual_options "$tool" > manual
    [ "$(wc -l < help)" -ge 5 ] || { echo "$tool: no options found in --help"; wrong=1; }
    diff help manual > difference || { echo "$tool: < only in --help, > only in the man page"; grep '^[<>]' difference; wrong=1; }
  done
  [ $wrong = 0 ]
}

@test "man pages have the sections that they owe" {
  local wrong=0 page section
  for page in "$ROOT"/man/*.1; do
    [ -e "$page" ] || continue
    for section in NAME SYNOPSIS DESCRIPTION 'EXIT STATUS' EXAMPLES 'SEE ALSO'; do
      grep -qE "^\.Sh $section\$" "$page" || { echo "${page##*/}: no $section"; wrong=1; }
    done
  done
  for page in "$ROOT"/man/*.[57]; do
    for section in NAME DESCRIPTION 'SEE ALSO'; do
      grep -qE "^\.Sh $section\$" "$page" || { echo "${page##*/}: no $section"; wrong=1; }
    done
  done
  [ $wrong = 0 ]
}

@test "references between man pages lead somewhere" {
  local wrong=0 page name section
  while read -r page name section; do
    [ -f "$ROOT/man/$name.$section" ] || { echo "${page##*/}: $name($section)"; wrong=1; }
  done < <(grep -HoE '^\.Xr [a-z0-9-]+ [157]' "$ROOT"/man/*.[157] | sed 's/:\.Xr / /' | grep -E ' (crawl2lm[a-z-]*|warc2txt|qfilter[a-z-]*|minhash-dedup|bloom-dedup|bpe-[a-z]+|lm-[a-z]+|fit-scaling) ')
  [ $wrong = 0 ]
}

# The blocks of EXAMPLES of a page as numbered scripts in the folder $2.
extract_examples() {
  awk -v folder="$2" '
    /^\.Sh / { examples = $2 == "EXAMPLES" }
    !examples { next }
    /^\.\\" not run:/ { skip = 1; next }
    /^\.Bd .*-literal/ || /^\.Bd -literal/ { inside = 1; if (!skip) file = sprintf("%s/%02d.sh", folder, ++n); else file = ""; skip = 0; next }
    /^\.Ed/ { inside = 0; next }
    inside && file != "" {
      gsub(/\\e/, "\\"); gsub(/\\&/, ""); gsub(/\\-/, "-"); gsub(/\\\(aq/, "\047"); gsub(/\\\(dq/, "\""); gsub(/\\\(ti/, "~"); gsub(/\\\(ha/, "^"); gsub(/\\\(ga/, "`")
      print > file
    }' "$1"
  local script
  for script in "$2"/*.sh; do
    [ -e "$script" ] || continue
    if grep -q '^\$ ' "$script"; then sed -nE 's/^\$ //p' "$script" > "$script.only" && mv "$script.only" "$script"; fi
  done
}

# Files under the names that pages use.
example_files() {
  gzip -nc "$SAMPLES/warc" > crawl.warc.gz
  cp crawl.warc.gz x.warc.gz
  cp "$SAMPLES/documents" documents.tsv
  cp "$SAMPLES/documents" docs.tsv
  gzip -nc documents.tsv > documents.tsv.gz
  cp "$SAMPLES/labels" labels.tsv
  cp "$SAMPLES/runs" runs.tsv
  cp "$SAMPLES/prompts" prompts.tsv
  cp "$SAMPLES/config.json" config.json
  [ ! -e "$SAMPLES/train.bin" ] || cp "$SAMPLES/train.bin" train.bin
  [ ! -e "$SAMPLES/tokenizer.tsv" ] || { cp "$SAMPLES/tokenizer.tsv" tokenizer.tsv; cp tokenizer.tsv tok.tsv; }
  [ ! -e "$SAMPLES/model" ] || cp -r "$SAMPLES/model" model
}

@test "the examples of each man page run" {
  local wrong=0 page tool script count=0
  export PATH=$BIN:$PATH
  for page in "$ROOT"/man/*.[157]; do
    tool=$(basename "${page%.*}")
    [[ $page != *.1 || -x $BIN/$tool ]] || continue
    mkdir -p "scripts-$tool" "run-$tool"
    extract_examples "$page" "scripts-$tool"
    (cd "run-$tool" && example_files)
    for script in "scripts-$tool"/*.sh; do
      [ -e "$script" ] || continue
      count=$((count + 1))
      if ! (cd "run-$tool" && timeout 120 bash -e -o pipefail "../$script" < /dev/null > "../$script.out" 2>&1); then
        wrong=1
        echo "$tool: this example fails:"
        sed 's/^/  | /' "$script"
        tail -5 "$script.out" | sed 's/^/  > /'
      fi
    done
    [[ $page != *.1 ]] || ls "scripts-$tool"/*.sh > /dev/null 2>&1 || { echo "$tool: no example to run"; wrong=1; }
  done
  [ $count -gt 0 ] || { echo 'no examples found'; wrong=1; }
  [ $wrong = 0 ]
}

@test "the architectures of the README train" {
  example_files
  ln -s "$ROOT/pipelines" pipelines
  awk '/^## / { inside = $0 == "## Train any architecture" } /^```/ { code = inside && $0 == "```sh"; next } code' "$ROOT/README.md" > block.sh
  [ "$(grep -c '^lm-train' block.sh)" -ge 4 ]
  PATH=$BIN:$PATH OMP_WAIT_POLICY=passive timeout 300 bash -e -o pipefail block.sh < /dev/null > out 2>&1 3>&- || { tail -5 out; false; }
  grep -q Crawl2lm windows/config.json && grep -q DeepseekV2 latent/config.json
  [ "$(wc -l < sweep/ranking.tsv)" = 5 ]
}
