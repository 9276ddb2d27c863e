#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# What the tests of Stanford CS336's assignment 4 (data) ask for, through the programs: extraction, language, personal data,
# Gopher's rules, a quality classifier, duplicate lines, near-duplicates.  Its fixtures are read where the development data is.

setup() {
  cd "$BATS_TEST_TMPDIR" || return 1
  DATA=$BATS_TEST_DIRNAME/../../../shared/data
  FIXTURES=$DATA/cs336/a4/tests/fixtures
}

fixtures() { [ -e "$FIXTURES" ] || skip 'no development data'; }

# A document a file: `name text`.
documents() { # FILE...
  local file
  for file; do
    printf '%s\t' "${file##*/}"
    perl -0777 -pe 's/\n+\z//; s/\\/\\\\/g; s/\t/\\t/g; s/\n/\\n/g; s/\r/\\r/g' "$file"
    echo
  done
}

masked() { # KIND TOKEN COUNT TEXT EXPECTED
  printf '%s\n' "$4" > in
  "$BIN/qfilter" -q --mask "$1" --mask-as "$1=$2" --stats s.json in > out
  echo "got $(cat out)"
  [ "$(cat out)" = "$5" ]
  [ "$(awk -f "$BATS_TEST_DIRNAME/../../pipelines/json.awk" s.json | awk -F '\t' '$1 ~ /^masked\./ { n += $2 } END { print n + 0 }')" = "$3" ]
}

@test "e-mail addresses" {
  masked email '|||EMAIL_ADDRESS|||' 1 'Feel free to contact me at test@gmail.com if you have any questions.' 'Feel free to contact me at |||EMAIL_ADDRESS||| if you have any questions.'
  masked email '|||EMAIL_ADDRESS|||' 2 'The instructors are pl@fakedomain.ai and spl@fakedomain.ai' 'The instructors are |||EMAIL_ADDRESS||| and |||EMAIL_ADDRESS|||'
  masked email '|||EMAIL_ADDRESS|||' 1 'We use |||EMAIL_ADDRESS||| for what looks like this: test@gmail.com' 'We use |||EMAIL_ADDRESS||| for what looks like this: |||EMAIL_ADDRESS|||'
}

@test "telephone numbers" {
  for number in 2831823829 '(283)-182-3829' '(283) 182 3829' 283-182-3829; do
    masked phone '|||PHONE_NUMBER|||' 1 "Feel free to contact me at $number if you have any questions." 'Feel free to contact me at |||PHONE_NUMBER||| if you have any questions.'
  done
}

@test "addresses of networks" {
  masked any-ip '|||IP_ADDRESS|||' 1 'Feel free to contact me at 192.0.2.146 if you have any questions.' 'Feel free to contact me at |||IP_ADDRESS||| if you have any questions.'
}

@test "Gopher's rules" {
  words() { printf "$1 %.0s" $(seq "$2"); }
  {
    printf 'short\t%s\n' "$(words 'the be to of and' 9)"
    printf 'right\t%s\n' "$(words 'the be to of and that have with it' 10)$(words 'something' 50)"
    printf 'low\t%s\n' "$(words 'the be' 100)"
    printf 'high\t%s\n' "$(words 'the be extraordinarilylong internationalization' 100)"
    printf 'ellipsis\t%s\n' "$(printf 'The line that have with words in it...\\n%.0s' $(seq 30))$(printf 'The line that have with words in it.\\n%.0s' $(seq 10))"
    printf 'digits\t%s\n' "$(words 'the be to of and that have 12345 6789 1011 1213 141516 171819' 30)"
  } > in.tsv
  for mode in reference unicode space; do
    "$BIN/qfilter" -q --words $mode --rules gopher-quality --rejects rejects.tsv in.tsv | cut -f 1 > kept
    [ "$(cat kept)" = right ]
    [ "$(cut -f 1,2 rejects.tsv | paste -sd,)" = "$(printf 'gopher-quality:gopher_short_doc\tshort,gopher-quality:gopher_below_avg_threshold\tlow,gopher-quality:gopher_above_avg_threshold\thigh,gopher-quality:gopher_too_many_end_ellipsis\tellipsis,gopher-quality:gopher_below_alpha_threshold\tdigits')" ]
  done
}

@test "extraction: every word of the reference's text, and few more" {
  fixtures
  words() { tr -cs '[:alnum:]' '\n' < "$1" | sort; }
  "$BIN/warc2txt" -q --html --mode all "$FIXTURES/moby.html" | cut -f 4 | sed 's/\\[nt]/ /g' > moby.txt
  words moby.txt > ours
  words "$FIXTURES/moby_extracted.txt" > reference
  [ "$(comm -13 ours reference | wc -l)" = 0 ]
  [ "$(comm -23 ours reference | wc -l)" -le 5 ]
}

@test "languages" {
  [ -e "$DATA/models/fasttext/lid.176.ftz" ] || skip 'no development data'
  documents "$FIXTURES/moby_extracted.txt" > in.tsv
  printf 'chinese\t欢迎来到我们的网站\n' >> in.tsv
  "$BIN/qfilter" -q --langid "$DATA/models/fasttext/lid.176.ftz" --annotate in.tsv > out.tsv
  [ "$(cut -f 4 out.tsv | paste -sd,)" = lang=en,lang=zh ]
}

@test "exact duplicates of lines, all copies removed" {
  fixtures
  documents "$FIXTURES"/documents_with_line_duplicates/*.txt > in.tsv
  "$BIN/bloom-dedup" -q --unit line --keep none in.tsv > bloom.tsv
  "$BIN/bloom-dedup" -q --unit line --keep none --exact in.tsv > exact.tsv
  documents "$FIXTURES"/documents_line_deduplicated/*.txt | grep -v "$(printf '\t')\$" > expected.tsv # a document without lines is dropped
  diff expected.tsv bloom.tsv
  diff expected.tsv exact.tsv
}

@test "near-duplicates: exact copies, and two licences of one text" {
  fixtures
  documents "$FIXTURES"/documents_with_line_duplicates/*.txt > in.tsv
  [ "$("$BIN/minhash-dedup" -q --bands 50 --rows 10 in.tsv | cut -f 1 | paste -sd' ')" = 'doc1.txt doc3.txt doc4.txt doc5.txt' ]
  documents "$FIXTURES"/documents_with_fuzzy_duplicates/*.txt > in.tsv
  [ "$("$BIN/minhash-dedup" -q --bands 50 --rows 10 --verify 0.8 in.tsv | cut -f 1 | paste -sd' ')" = 'pytorch_license.txt rails_mit_license.txt' ]
}

@test "a quality classifier tells an encyclopedia from a forum" {
  fixtures
  # the article of each page against all that stands around it
  for mode in main all; do "$BIN/warc2txt" -q --html --mode $mode "$DATA"/html/scrapinghub-aeb/html/*.html.gz > $mode.tsv; done
  perl -ne 'chomp; my @f = split /\t/; my @lines = split /\\n/, $f[-1];
    if ($ARGV eq "main.tsv") { $main{$f[0]}{$_} = 1 for @lines; print "high\t@lines\n" }
    else { my @rest = grep { !$main{$f[0]}{$_} } @lines; print "low\t@rest\n" if @rest > 3 }' main.tsv all.tsv > train.tsv
  [ "$(cut -f 1 train.tsv | sort -u | paste -sd' ')" = 'high low' ]
  "$BIN/qfilter-train" -q -j 1 --maxn 0 --piece 0 --lr 0.5 --epoch 25 --dim 16 -o model.bin train.tsv
  documents "$FIXTURES/high_quality_wiki_reference.txt" "$FIXTURES/low_quality_cc.txt" > in.tsv
  [ "$("$BIN/qfilter" -q --model model.bin --label high --min 0.5 in.tsv | cut -f 1)" = high_quality_wiki_reference.txt ]
}
