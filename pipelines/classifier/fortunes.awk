# SPDX-License-Identifier: MIT
# Fortune cookies -> label, tab, text.  Cookies stand between lines of `%`.
function flush() {
  if (text ~ /[[:alpha:]]/) {
    gsub(/\\/, "\\\\\\\\", text)
    gsub(/\t/, "\\t", text)
    gsub(/\n/, "\\n", text)
    print label "\t" text
  }
  text = ""
}
FNR == 1 { flush() }
{ sub(/\r$/, "") }
/^%/ { flush(); next }
{ text = text (text == "" ? "" : "\n") $0 }
END { flush() }
