#pragma once

#include <string_view>

namespace tessy {

// .s is the student, .t the teacher.
inline constexpr std::string_view kResponsePageStyle = R"css(
:root {
  --page: #f6f5f2; --card: #fff; --ink: #22252a; --dim: #6a6f78; --line: #e4e1da; --code: #f4f3ef;
  --s: #1668b5; --s-wash: #d9e9f8; --t: #a8540a; --t-wash: #fdf1e2; --s-bar: #3b8ddd; --t-bar: #e59a3c;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --page: #131517; --card: #1b1e21; --ink: #e2e3e4; --dim: #959ba4; --line: #2d3237; --code: #15181a;
    --s: #82bdf5; --s-wash: #1a3a58; --t: #f0b267; --t-wash: #2b241b; --s-bar: #4b98e3; --t-bar: #d48a30;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--page); color: var(--ink); -webkit-text-size-adjust: 100%;
  font: 16px/1.65 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif;
}
main { max-width: 54rem; margin: 0 auto; padding: 2.5rem 1.25rem 3rem; }
h1 { margin: .4rem 0 0; font-size: 1.6rem; line-height: 1.25; letter-spacing: -.01em; overflow-wrap: anywhere; }
h2 { margin: 0 0 .75rem; font-size: .8rem; font-weight: 650; letter-spacing: .07em; text-transform: uppercase; }
h2 small, .sub, .note { color: var(--dim); }
h2 small { font-size: 1em; font-weight: 400; letter-spacing: 0; text-transform: none; margin-left: .4em; }
.brand { margin: 0; display: flex; align-items: center; gap: .5rem; font-weight: 650; font-size: .95rem; }
.brand svg { width: 1.15rem; height: 1.15rem; }
.sub { margin: .3rem 0 0; overflow-wrap: anywhere; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 1.25rem 1.4rem;
  margin-top: 1.25rem; }
.bar { display: block; width: 100%; border-radius: 6px; }
.bar rect.s { fill: var(--s-bar); }
.bar rect.t { fill: var(--t-bar); }
.bar rect.a { opacity: .45; }
.bar a:hover rect { fill: var(--ink); }
.axis { display: flex; justify-content: space-between; gap: 1rem; margin: .35rem 0 0; color: var(--dim); font-size: .8rem; }
.roles { display: grid; grid-template-columns: repeat(auto-fit, minmax(15rem, 1fr)); gap: .75rem; margin-top: 1.1rem; }
.role { border-left: 4px solid; padding: .1rem 0 .1rem .8rem; }
.role.s { border-color: var(--s-bar); }
.role.t { border-color: var(--t-bar); }
.role b { font-weight: 650; }
.role.s b { color: var(--s); }
.role.t b { color: var(--t); }
.role span { display: block; color: var(--dim); font-size: .9rem; }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(7.5rem, 1fr)); gap: .9rem 1rem;
  margin: 1.2rem 0 0; padding-top: 1.1rem; border-top: 1px solid var(--line); }
dt { color: var(--dim); font-size: .8rem; }
dd { margin: 0; font-size: 1.1rem; font-weight: 600; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
.text { white-space: pre-wrap; overflow-wrap: anywhere; tab-size: 4; }
.turn + .turn { margin-top: 1.1rem; }
.marker { color: var(--dim); font: .85em ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace; }
.thinking .s, .thinking .t {
  border-radius: 3px; padding: .1em 0; -webkit-box-decoration-break: clone; box-decoration-break: clone;
}
.thinking .s { background: var(--s-wash); color: var(--s); }
.thinking .t { background: var(--t-wash); }
.thinking .s:hover, .thinking .s:target { box-shadow: 0 0 0 2px var(--s-bar); }
.thinking .t:hover, .thinking .t:target { box-shadow: 0 0 0 2px var(--t-bar); }
.answer .text { border-left: 4px solid; padding-left: .9rem; }
.answer .text.s { border-color: var(--s-bar); }
.answer .text.t { border-color: var(--t-bar); }
.code { display: block; background: var(--code); border: 1px solid var(--line); border-radius: 8px; padding: .7rem .9rem;
  margin: .3rem 0; font: .875rem/1.5 ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace; }
.code i { display: block; font-style: normal; color: var(--dim); font-size: .9em; }
footer dl { border-top: 0; margin-top: .5rem; grid-template-columns: repeat(auto-fit, minmax(14rem, 1fr)); }
footer dd { font-size: .9rem; font-weight: 400; }
@media print {
  body { background: none; font-size: 10.5pt; }
  main { max-width: none; padding: 0; }
  section { border: 0; padding: 0; margin-top: 1.2rem; }
  .bar, .role, .thinking span, .code { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
  .overview, .code { break-inside: avoid; }
  h2 { break-after: avoid; }
}
)css";

}  // namespace tessy
