//! What people write into names and reasons: one list for the public pages and the server's own.

/// What anybody writes.
pub(crate) const HARMLESS: &str = "Harmless";

/// By which somebody tries to make a page, a spreadsheet or a chart do something.
pub(crate) const HOSTILE: [&str; 40] = [
    "<script>alert(1)</script>",
    "</script><script src=//x>",
    "<ScRiPt\u{0}>alert(1)</sCrIpT>",
    "<svg onload=alert(1)>",
    "<svg/onload=alert`1`//",
    "<img src=x onerror=alert(1)>",
    "\"><img src=x onerror=alert(1)>",
    "'><b onmouseover='alert(1)'>",
    "\" onmouseover=\"alert(1)",
    "' onfocus='alert(1)' autofocus='",
    "` onclick=`alert(1)`",
    "\" style=\"position:fixed",
    "javascript:alert(1)",
    "JaVaScRiPt&colon;alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "</title><script>alert(1)</script>",
    "</code></td></tr></table><h1>Admitted",
    "</bdi></a><a href=https://x.invalid>",
    "]]><script>alert(1)</script>",
    "<![CDATA[ x ]]>",
    "<!-- ",
    "--><script>alert(1)</script>",
    "<style>*{display:none}</style>",
    "<meta http-equiv=refresh content=0;url=//x>",
    "<base href=//x.invalid/>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;",
    "{{ 7 * 7 }}",
    "{% for i in range(end=9) %}x{% endfor %}{# gone #}",
    "{{ shell | safe }} {n} {sent}",
    "admit\u{202e}timda\u{2066}x\u{2069}",
    "Al\u{200b}pha\u{feff} \u{2060}Val\u{ad}idators",
    "\u{410}lph\u{430} V\u{430}lid\u{430}tors",
    "=HYPERLINK(\"http://x.invalid\",\"go\")",
    "+1+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(A1:A9)",
    "\t=1+1\r\n=2+2,\"x\"",
    "\r\n\r\nadmit,1,alpha\u{1b}[31m\u{7f}\u{85}\u{2028}",
    "<b>wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww",
];

/// Tags with the names of their attributes, in order.
pub(crate) fn shape(html: &str) -> Vec<String> {
    let inside = |rest: &str| {
        let tag = rest.split('>').next().unwrap_or("");
        // Values stand in double quotes: every other piece is outside of them.
        tag.split('"').step_by(2).collect::<String>()
    };
    html.split('<').skip(1).map(inside).collect()
}
