# SPDX-License-Identifier: MIT
# Tokenizer and tree alone, the best of five rounds.
test=${BIN%/bin}/tests/unit/tools/warc2txt/html/html_parser_test
make -s "${test#"$PWD"/}" >&2
"$test" "$IN"/html/* | grep ^bench
