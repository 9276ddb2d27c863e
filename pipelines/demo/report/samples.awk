# SPDX-License-Identifier: MIT
# prompts, samples of the first and of the last model -> the texts side by side.
BEGIN { FS = "\t" }
FNR == 1 { file++ }
file == 1 { id[++prompts] = $1; prompt[$1] = $2; next }
{ text[file, $1] = $3 }
END {
  for (i = 1; i <= prompts; i++) {
    print "<div class=\"columns\">"
    for (f = 2; f <= 3; f++)
      printf "<div><div class=\"note\">%s</div><pre><b>%s</b>%s</pre></div>\n", html(f == 2 ? "first model, " first : "last model, " last), html(unescape(prompt[id[i]])), html(cut(unescape(text[f, id[i]]), 900))
    print "</div>"
  }
}
