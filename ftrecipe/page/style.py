"""How the page looks: one style sheet, light and dark, from a phone to a printed sheet."""

STYLE = """
:root { color-scheme: light dark; --ground: #fbfaf8; --card: #fff; --ink: #1d2126;
  --soft: #626a73; --line: #e3e1dc; --tuned: #0b7a75; --base: #8a8f98; --other: #c2662d;
  --better: #17713a; --worse: #b3261e; --wash: #c4e8e3; --code: #f2f0ec; --caution: #fff4d9; }
@media (prefers-color-scheme: dark) { :root { --ground: #14171a; --card: #1c2024; --ink: #e6e8ea;
  --soft: #9aa3ad; --line: #31373d; --tuned: #4fc3b8; --base: #8e96a0; --other: #e59a63;
  --better: #6fd08c; --worse: #ff8a80; --wash: #17504f; --code: #24292e; --caution: #3a3014; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); line-height: 1.55;
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; }
main { max-width: 62rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
header p { margin: .25rem 0; color: var(--soft); }
.kicker { font-size: .85rem; letter-spacing: .02em; }
h1 { font-size: clamp(1.6rem, 4.4vw, 2.5rem); line-height: 1.2; letter-spacing: -.015em;
  margin: .4rem 0 .8rem; text-wrap: balance; }
h2 { font-size: 1.2rem; margin: 3rem 0 .8rem; }
h3 { font-size: 1rem; margin: 0 0 .5rem; }
.chip { display: inline-block; padding: .1rem .6rem; margin: .15rem .3rem .15rem 0;
  border: 1px solid var(--line); border-radius: 1rem; font-size: .85rem; background: var(--card); }
.chip b { font-weight: 500; color: var(--soft); }
.toy, .warning { background: var(--caution); border-radius: .5rem; padding: .6rem .9rem;
  margin: .6rem 0; }
.cards { display: grid; margin-top: 1rem; gap: .75rem;
  grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); }
.plots { display: grid; gap: .75rem;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 24rem), 1fr)); }
.plots figure { margin: 0; } a { color: var(--tuned); } .trials th { text-align: right; }
td.reason, th.reason { text-align: left; min-width: 18rem; overflow-wrap: anywhere; }
.card, figure, .sample, details { background: var(--card); border: 1px solid var(--line);
  border-radius: .6rem; }
.card { padding: .7rem .9rem; }
.card b { display: block; font-size: 1.25rem; font-weight: 600; }
.card span, .note, .where { color: var(--soft); font-size: .85rem; }
.scroll { overflow-x: auto; border: 1px solid var(--line); border-radius: .6rem;
  background: var(--card); }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: .5rem .9rem; text-align: right; border-top: 1px solid var(--line); }
th { font-weight: 500; color: var(--soft); font-size: .85rem; border-top: 0; white-space: nowrap; }
td:first-child, th:first-child, .words td { text-align: left; }
tr.suite td { font-weight: 600; padding-top: .9rem; }
tr.suite small { font-weight: 400; color: var(--soft); }
tr.first td { font-weight: 600; }
.better { color: var(--better); } .worse { color: var(--worse); } .even { color: var(--soft); }
td span { white-space: nowrap; }
figure { margin: 0 0 .75rem; padding: .9rem 1rem .4rem; }
figcaption { font-size: .9rem; font-weight: 500; }
svg { display: block; width: 100%; height: auto; }
.grid { stroke: var(--line); } .tick { stroke: var(--soft); }
.axis { fill: var(--soft); font-size: 13px; }
.curve { fill: none; stroke-width: 2; stroke-linejoin: round; }
.curve.train { stroke: var(--tuned); } .curve.held { stroke: var(--other); }
.curve.rate { stroke: var(--base); }
.dot.train { fill: var(--tuned); } .dot.held { fill: var(--other); }
.dot.rate { fill: var(--base); }
.curve.best { stroke: var(--tuned); } .dot.best { fill: var(--tuned); stroke: var(--card); }
.dot.trial { fill: var(--base); fill-opacity: .6; }
.middle { stroke: var(--other); stroke-width: 2; } .lost { stroke: var(--worse); fill: none; }
.key { font-weight: 400; color: var(--soft); margin-left: .9rem; white-space: nowrap; }
.key::before { content: "";
  display: inline-block; width: .9rem; height: .2rem; margin-right: .35rem;
  vertical-align: middle; background: currentColor; }
.key.train::before { color: var(--tuned); } .key.held::before { color: var(--other); }
.key.rate::before, .key.trial::before { color: var(--base); }
.key.best::before { color: var(--tuned); } .key.middle::before { color: var(--other); }
.key.lost::before { color: var(--worse); }
.sample { padding: .9rem 1rem; margin-bottom: .75rem; overflow-wrap: anywhere; }
.sample .pair { display: grid; gap: .75rem; grid-template-columns: 1fr 1fr; margin-top: .6rem; }
.sample .pair > div { padding-left: .7rem; border-left: 3px solid var(--base); }
.sample .pair > div.is-tuned { border-color: var(--tuned); }
.sample p { margin: 0; white-space: pre-wrap; }
.label { font-size: .8rem; color: var(--soft); }
.label .better, .label .worse { font-weight: 600; }
.masked { color: var(--soft); } .trained { background: var(--wash); border-radius: .2rem; }
pre { margin: 0; padding: .8rem 1rem; overflow-x: auto; background: var(--code);
  border-radius: .5rem; font: .85rem/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
pre.row { white-space: pre-wrap; overflow-wrap: anywhere; }
details { margin-bottom: .5rem; padding: .55rem .9rem; } summary { cursor: pointer; }
details table { margin-top: .5rem; font-size: .9rem; } details td { padding: .25rem .5rem; }
details code { overflow-wrap: anywhere; } .use { margin-bottom: 1.2rem; }
footer { margin-top: 3rem; color: var(--soft); font-size: .85rem; overflow-wrap: anywhere; }
@media (max-width: 36rem) { main { padding: 1.25rem .9rem 3rem; }
  .sample .pair { grid-template-columns: 1fr; } th, td { padding: .45rem .5rem; }
  table { font-size: .9rem; } .axis { font-size: 20px; } .plots .axis { font-size: 14px; }
  h2 { margin-top: 2.2rem; } }
@media print { :root { color-scheme: light; } main { max-width: none; }
  .plots { display: grid; gap: .75rem;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 24rem), 1fr)); }
.plots figure { margin: 0; } a { color: var(--tuned); } .trials th { text-align: right; }
td.reason, th.reason { text-align: left; min-width: 18rem; overflow-wrap: anywhere; }
.card, figure, .sample { break-inside: avoid; } }
"""
