/* SPDX-License-Identifier: MIT
 *
 * What https://html.spec.whatwg.org/#parsing-main-inbody and its lists of special, formatting and scope elements say of each tag.
 */
#include "tools/warc2txt/html/html_parser_state.h"

#define BLOCK {SPECIAL, START_BLOCK, END_BLOCK}
#define BREAKING_BLOCK {SPECIAL | BREAKOUT, START_BLOCK, END_BLOCK}
#define HEADING {SPECIAL | BREAKOUT, START_HEADING, END_HEADING}
#define FORMAT {FORMATTING | BREAKOUT, START_FORMATTING, END_FORMATTING}
#define PART {SPECIAL | TABLE_PART, START_IGNORE, END_OTHER}
#define CELL {SPECIAL | SCOPE | TABLE_PART, START_IGNORE, END_OTHER}
#define HEADER {SPECIAL, START_HEAD, END_OTHER}
const struct tag_rules html_rules[TAG_COUNT] = {
  [TAG_address] = {SPECIAL | PLAIN_SPECIAL, START_BLOCK, END_BLOCK}, [TAG_article] = BLOCK, [TAG_aside] = BLOCK, [TAG_blockquote] = BREAKING_BLOCK,
  [TAG_center] = BREAKING_BLOCK, [TAG_details] = BLOCK, [TAG_dialog] = {0, START_BLOCK, END_BLOCK}, [TAG_dir] = BLOCK,
  [TAG_div] = {SPECIAL | PLAIN_SPECIAL | BREAKOUT, START_BLOCK, END_BLOCK}, [TAG_dl] = BREAKING_BLOCK, [TAG_fieldset] = BLOCK,
  [TAG_figcaption] = BLOCK, [TAG_figure] = BLOCK, [TAG_footer] = BLOCK, [TAG_header] = BLOCK, [TAG_hgroup] = BLOCK, [TAG_main] = BLOCK,
  [TAG_menu] = BREAKING_BLOCK, [TAG_nav] = BLOCK, [TAG_ol] = BREAKING_BLOCK, [TAG_p] = {SPECIAL | PLAIN_SPECIAL | BREAKOUT, START_BLOCK, END_P},
  [TAG_search] = BLOCK, [TAG_section] = BLOCK, [TAG_summary] = BLOCK, [TAG_ul] = BREAKING_BLOCK, [TAG_pre] = BREAKING_BLOCK,
  [TAG_listing] = BREAKING_BLOCK, [TAG_h1] = HEADING, [TAG_h2] = HEADING, [TAG_h3] = HEADING, [TAG_h4] = HEADING, [TAG_h5] = HEADING,
  [TAG_h6] = HEADING, [TAG_form] = {SPECIAL, START_FORM, END_FORM}, [TAG_li] = {SPECIAL | BREAKOUT, START_LI, END_LI},
  [TAG_dd] = {SPECIAL | BREAKOUT, START_DD, END_DD}, [TAG_dt] = {SPECIAL | BREAKOUT, START_DD, END_DD},
  [TAG_plaintext] = {SPECIAL, START_PLAINTEXT, END_OTHER}, [TAG_button] = {SPECIAL, START_BUTTON, END_BLOCK},
  [TAG_a] = {FORMATTING, START_A, END_FORMATTING}, [TAG_nobr] = {FORMATTING | BREAKOUT, START_NOBR, END_FORMATTING}, [TAG_b] = FORMAT,
  [TAG_big] = FORMAT, [TAG_code] = FORMAT, [TAG_em] = FORMAT, [TAG_font] = {FORMATTING, START_FORMATTING, END_FORMATTING}, [TAG_i] = FORMAT,
  [TAG_s] = FORMAT, [TAG_small] = FORMAT, [TAG_strike] = FORMAT, [TAG_strong] = FORMAT, [TAG_tt] = FORMAT, [TAG_u] = FORMAT,
  [TAG_applet] = {SPECIAL | SCOPE, START_MARKER, END_MARKER}, [TAG_marquee] = {SPECIAL | SCOPE, START_MARKER, END_MARKER},
  [TAG_object] = {SPECIAL | SCOPE, START_MARKER, END_MARKER}, [TAG_table] = {SPECIAL | SCOPE | BREAKOUT, START_TABLE, END_OTHER},
  [TAG_area] = {SPECIAL, START_VOID}, [TAG_br] = {SPECIAL | BREAKOUT, START_VOID, END_BR}, [TAG_embed] = {SPECIAL | BREAKOUT, START_VOID},
  [TAG_img] = {SPECIAL | BREAKOUT, START_VOID}, [TAG_keygen] = {SPECIAL, START_VOID}, [TAG_wbr] = {SPECIAL, START_VOID},
  [TAG_input] = {SPECIAL, START_INPUT}, [TAG_param] = {SPECIAL, START_PARAM}, [TAG_source] = {SPECIAL, START_PARAM},
  [TAG_track] = {SPECIAL, START_PARAM}, [TAG_hr] = {SPECIAL | BREAKOUT, START_HR}, [TAG_image] = {0, START_IMAGE},
  [TAG_textarea] = {SPECIAL, START_TEXTAREA}, [TAG_xmp] = {SPECIAL, START_XMP}, [TAG_iframe] = {SPECIAL, START_RAW},
  [TAG_noembed] = {SPECIAL, START_RAW}, [TAG_select] = {SPECIAL | SCOPE, START_SELECT, END_BLOCK}, [TAG_option] = {0, START_OPTION},
  [TAG_optgroup] = {0, START_OPTION}, [TAG_rb] = {0, START_RB}, [TAG_rtc] = {0, START_RB}, [TAG_rp] = {0, START_RT}, [TAG_rt] = {0, START_RT},
  [TAG_math] = {0, START_MATH}, [TAG_svg] = {0, START_SVG}, [TAG_caption] = {SPECIAL | SCOPE | TABLE_PART, START_IGNORE, END_OTHER},
  [TAG_col] = PART, [TAG_colgroup] = PART, [TAG_tbody] = PART, [TAG_td] = CELL, [TAG_tfoot] = PART, [TAG_th] = CELL, [TAG_thead] = PART,
  [TAG_tr] = PART, [TAG_frame] = {SPECIAL, START_IGNORE}, [TAG_head] = {SPECIAL | BREAKOUT, START_IGNORE}, [TAG_base] = HEADER,
  [TAG_basefont] = HEADER, [TAG_bgsound] = HEADER, [TAG_link] = HEADER, [TAG_meta] = {SPECIAL | BREAKOUT, START_HEAD}, [TAG_noframes] = HEADER,
  [TAG_script] = HEADER, [TAG_style] = HEADER, [TAG_template] = {SPECIAL | SCOPE, START_HEAD, END_TEMPLATE},
  [TAG_title] = {SPECIAL | SVG_HTML, START_HEAD}, [TAG_html] = {SPECIAL | SCOPE, START_HTML, END_NOTHING},
  [TAG_body] = {SPECIAL | BREAKOUT, START_BODY, END_NOTHING}, [TAG_frameset] = {SPECIAL, START_FRAMESET, END_OTHER},
  [TAG_noscript] = {SPECIAL, START_ORDINARY, END_OTHER}, [TAG_span] = {BREAKOUT}, [TAG_sub] = {BREAKOUT}, [TAG_sup] = {BREAKOUT},
  [TAG_var] = {BREAKOUT}, [TAG_ruby] = {BREAKOUT}, [TAG_mi] = {MATH_TEXT}, [TAG_mo] = {MATH_TEXT}, [TAG_mn] = {MATH_TEXT}, [TAG_ms] = {MATH_TEXT},
  [TAG_mtext] = {MATH_TEXT}, [TAG_desc] = {SVG_HTML}, [TAG_foreignobject] = {SVG_HTML},
};
#undef BLOCK
#undef BREAKING_BLOCK
#undef HEADING
#undef FORMAT
#undef PART
#undef CELL
#undef HEADER
