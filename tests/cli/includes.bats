#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# The walls of the house: who may include whom, and what every source file has.

setup() {
  cd "$BATS_TEST_DIRNAME/../.." || return 1
  if git rev-parse --is-inside-work-tree > /dev/null 2>&1; then
    mapfile -t files < <(git ls-files --cached --others --exclude-standard | while read -r f; do [ -f "$f" ] && echo "$f"; done)
  else # an unpacked release
    mapfile -t files < <(find . -path ./build -prune -o -type f -print | sed 's,^\./,,')
  fi
  [ ${#files[@]} -gt 20 ]
}

sources() { printf '%s\n' "${files[@]}" | grep -E '\.(c|h|cu|cuh|cpp)$'; }

# The folders that a file of folder $1 may include from (a space between; a path with a dot is one file).
arrows() {
  case $1 in
    common/base) echo common/base ;;
    common/io) echo common/io common/base ;;
    common/text) echo common/text common/io common/base ;;
    common/token) echo common/token common/text common/io common/base ;;
    common/comm) echo common/comm kernels/backend.h kernels/real.h common/base ;; # real.h is a part of backend.h
    common/model) echo common/model kernels common/comm common/io common/base ;;
    common/train) echo common/train common/model kernels common/comm common/io common/base ;;
    kernels) echo kernels ;;
    tools/warc2txt/archive | tools/warc2txt/charset | tools/warc2txt/html | tools/warc2txt/pdf) echo "$1" common/base common/io ;;
    tools/warc2txt/page) echo "$1" tools/warc2txt/html common/base ;;
    tools/warc2txt/extract) echo "$1" tools/warc2txt/page tools/warc2txt/html common/base common/io ;;
    tools/warc2txt/markup) echo "$1" tools/warc2txt/page tools/warc2txt/html common/base ;;
    tools/warc2txt) echo "$1" tools/warc2txt/{archive,charset,html,page,extract,markup,pdf} common/base common/io ;;
    tools/qfilter/pii) echo "$1" common/base common/text ;;
    tools/qfilter/rules) echo "$1" common/base common/io common/text ;;
    tools/qfilter/models) echo "$1" common/base common/text ;;
    tools/qfilter) echo "$1" tools/qfilter/{rules,models,pii} common/base common/io ;;
    tools/minhash-dedup/lsh) echo "$1" common/base common/io common/text ;;
    tools/minhash-dedup/steps) echo "$1" tools/minhash-dedup/lsh common/base common/io ;;
    tools/minhash-dedup) echo "$1" tools/minhash-dedup/{lsh,steps} common/base common/io ;;
    tools/bloom-dedup | tools/qfilter-train) echo "$1" common/base common/io common/text ;;
    tools/fit-scaling/fitting) echo "$1" common/base ;;
    tools/fit-scaling/table) echo "$1" common/base common/io ;;
    tools/fit-scaling/forms) echo "$1" tools/fit-scaling/{fitting,table} common/base ;;
    tools/fit-scaling/intervals) echo "$1" tools/fit-scaling/{forms,fitting,table} common/base ;;
    tools/fit-scaling/study) echo "$1" tools/fit-scaling/{intervals,forms,fitting,table} common/base ;;
    tools/fit-scaling/validation | tools/fit-scaling/plot) echo "$1" tools/fit-scaling/{study,intervals,forms,fitting,table} common/base ;;
    tools/fit-scaling/plan) echo "$1" tools/fit-scaling/{study,intervals,forms,fitting,table} common/base common/io ;;
    tools/fit-scaling/report) echo "$1" tools/fit-scaling/{plot,validation,study,intervals,forms,fitting,table} common/base ;;
    tools/fit-scaling) echo "$1" tools/fit-scaling/{report,plot,plan,validation,study,intervals,forms,fitting,table} common/base common/io ;;
    tools/*) echo "$1" common/base common/io common/text common/token common/comm common/model common/train kernels ;;
    tests | tests/*) echo tests common/base common/io common/text common/token common/comm common/model common/train kernels ANY_TOOL ;;
    *) return 1 ;;
  esac
}

@test "includes go only downward" {
  local wrong=0 count=0 file line target folder ok arrow
  local -A of
  while IFS=: read -r file line; do
    count=$((count + 1))
    target=${line#*\"}
    target=${target%%\"*}
    case $file in tests/*) folder=tests ;; *) folder=${file%/*} ;; esac
    [ -n "${of[$folder]}" ] || of[$folder]=$(arrows "$folder") || { echo "$file: a folder that the house does not have"; wrong=1; continue; }
    ok=0
    for arrow in ${of[$folder]}; do
      if [ "$arrow" = ANY_TOOL ]; then
        case $target in tools/*) ok=1 ;; esac
      elif [ "$arrow" = tests ]; then
        case $target in tests/*) ok=1 ;; esac
      else
        [ "$target" = "$arrow" ] || [ "${target%/*}" = "$arrow" ] && ok=1
      fi
    done
    [ $ok = 1 ] || { echo "$file includes $target"; wrong=1; }
    [ -e "$target" ] || { echo "$file includes $target, which is not there (paths start at the root)"; wrong=1; }
  done < <(sources | xargs grep -E '^ *# *include *"')
  [ $count -gt 50 ] || { echo "only $count includes found"; wrong=1; }
  [ $wrong = 0 ]
}

@test "two towers: data and model never include each other" {
  ! sources | grep -E '^common/(text|token)/' | xargs -r grep -lE '^ *# *include *"(common/(comm|model|train)|kernels)/' || false
  ! sources | grep -E '^common/(comm|model|train)/' | xargs -r grep -lE '^ *# *include *"common/(text|token)/' || false
}

@test "each source file has its SPDX line" {
  local wrong=0 file
  while read -r file; do
    head -3 "$file" | grep -q 'SPDX-License-Identifier: MIT' || { echo "$file"; wrong=1; }
  done < <(sources; printf '%s\n' "${files[@]}" | grep -E '\.(py|sh|bash|bats|pl|gp|awk|[157])$|^tests/run$|^tests/bench/run$')
  [ $wrong = 0 ]
}

@test "no source file has more than a thousand lines, but tables that a script makes" {
  local wrong=0 file maker
  while read -r file; do
    maker=$(sed -n '1,6s/^ \* Made by \([a-z_]*\.py\) .*do not edit\.$/\1/p' "$file")
    [ -z "$maker" ] || [ ! -e "${file%/*}/$maker" ] || continue
    [ "$(wc -l < "$file")" -le 1000 ] || { wc -l "$file"; wrong=1; }
  done < <(sources; printf '%s\n' "${files[@]}" | grep -E '\.(py|sh|bash|bats|pl)$|(^|/)Makefile$|\.mk$')
  [ $wrong = 0 ]
}

@test "no file names a machine's folders" {
  # written so that this line does not find itself
  local pattern='(^|[^A-Za-z0-9_.])/(wor''k|tm''p/h|opt/pe''ers|ro''ot|hom''e/[a-z])/'
  ! printf '%s\n' "${files[@]}" | grep -vE '^tests/data/|\.(gz|zst|bin|png)$' | xargs -d '\n' grep -InE "$pattern" || false
}

@test "only tests name the development data" {
  ! printf '%s\n' "${files[@]}" | grep -vE '^(tests/|README\.md$|pipelines/.*README)' | xargs -d '\n' grep -In '\.\./shared' || false
}

@test "no notes to self" {
  ! (sources; printf '%s\n' "${files[@]}" | grep -E '\.(py|sh|bash|pl|[157]|md)$|Makefile$') | xargs -d '\n' grep -InE '\b(TO''DO|FIX''ME|XX''X|HA''CK)\b' || false
}

@test "programs never call setlocale; kernels never relax floating point" {
  ! sources | grep -v ^tests/ | xargs grep -nE '\bsetlocale *\(' || false
  ! grep -nE 'ffast-math|Ofast|march=native' Makefile || false
}

@test "each tool has its folder, its main and its man page" {
  local wrong=0 folder tool
  for folder in tools/*/; do
    [ -d "$folder" ] || continue
    tool=$(basename "$folder")
    [ -f "$folder$tool.c" ] || { echo "$folder has no $tool.c"; wrong=1; }
    [ -f "man/$tool.1" ] || { echo "$tool has no man/$tool.1"; wrong=1; }
    [ "$(wc -l < "$folder$tool.c")" -le 300 ] || { echo "$folder$tool.c: a main reads in 150 lines, its logic stands beside it"; wrong=1; }
  done
  [ $wrong = 0 ]
}
