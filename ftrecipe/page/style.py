"""How the page looks: one style sheet, light and dark, from a phone to a printed sheet."""

STYLE = """
:root { color-scheme: light dark; --ground: #fbfaf8; --card: #fff; --ink: #1d2126;
  --soft: #626a73; --line: #e3e1dc; --tuned: #0b7a75; --base: #8a8f98; --other: #c2662d;
  --better: #17713a; --worse: #b3261e; --wash: #c4e8e3; --deep: #a9dcd5; --code: #f2f0ec;
  --caution: #fff4d9; }
@media screen and (prefers-color-scheme: dark) { :root { --ground: #14171a; --card: #1c2024;
  --ink: #e6e8ea; --soft: #9aa3ad; --line: #31373d; --tuned: #4fc3b8; --base: #8e96a0;
  --other: #e59a63;
  --better: #6fd08c; --worse: #ff8a80; --wash: #17504f; --deep: #1d6563; --code: #24292e;
  --caution: #3a3014; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); line-height: 1.55;
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; }
main { max-width: 62rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
header p { margin: .25rem 0; color: var(--soft); }
.kicker { font-size: .85rem; letter-spacing: .02em; }
h1 { font-size: clamp(1.6rem, 4.4vw, 2.5rem); line-height: 1.2; letter-spacing: -.015em;
  margin: .4rem 0 .8rem; text-wrap: balance; }
h1 .body { display: block; font-size: clamp(1.12rem, 2.6vw, 1.4rem); font-weight: 400;
  line-height: 1.42; letter-spacing: 0; margin-top: .35rem; text-wrap: pretty; }
h2 { font-size: 1.2rem; margin: 3rem 0 .8rem; }
h3 { font-size: 1rem; margin: 0 0 .5rem; }
.chip { display: inline-block; padding: .1rem .6rem; margin: .15rem .3rem .15rem 0;
  border: 1px solid var(--line); border-radius: 1rem; font-size: .85rem; background: var(--card); }
.chip b { font-weight: 400; color: var(--soft); } header .chip { color: var(--ink); }
.toy, .warning { background: var(--caution); border-radius: .5rem; padding: .6rem .9rem;
  margin: .6rem 0; }
.cards { display: grid; margin-top: 1rem; gap: .75rem;
  grid-template-columns: repeat(auto-fit, minmax(7.6rem, 1fr)); }
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
.scroll tr:first-child td { border-top: 0; }
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
.curve.best { stroke: var(--tuned); } .dot.best { fill: var(--tuned); stroke: var(--card); }
.dot.trial { fill: var(--base); fill-opacity: .6; }
.middle { stroke: var(--other); stroke-width: 2; } .lost { stroke: var(--worse); fill: none; }
.key { font-weight: 400; color: var(--soft); margin-left: .9rem; white-space: nowrap; }
.key::before { content: "";
  display: inline-block; width: .9rem; height: .2rem; margin-right: .35rem;
  vertical-align: middle; background: currentColor; }
.key.trial::before { color: var(--base); }
.key.best::before { color: var(--tuned); } .key.middle::before { color: var(--other); }
.key.lost::before { color: var(--worse); }
.sample { padding: .9rem 1rem; margin-bottom: .75rem; overflow-wrap: anywhere; }
.sample .pair { display: grid; gap: .75rem; grid-template-columns: 1fr 1fr; margin-top: .6rem; }
.sample .pair > div { padding-left: .7rem; border-left: 3px solid var(--base); }
.sample .pair > div.is-tuned { border-color: var(--tuned); }
.sample p { margin: 0; white-space: pre-wrap; }
.label { font-size: .8rem; color: var(--soft); }
.label .better, .label .worse { font-weight: 600; }
pre { margin: 0; padding: .8rem 1rem; overflow-x: auto; background: var(--code);
  border-radius: .5rem; font: .85rem/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
details { margin-bottom: .5rem; padding: .55rem .9rem; } summary { cursor: pointer; }
details table { margin-top: .5rem; font-size: .9rem; } details td { padding: .25rem .5rem; }
details code { overflow-wrap: anywhere; } .use { margin-bottom: 1.2rem; }
footer { margin-top: 3rem; color: var(--soft); font-size: .85rem; overflow-wrap: anywhere; }
.verdict { border-left: .35rem solid var(--better); padding-left: 1rem; margin-bottom: 1.2rem; }
.verdict.no { border-color: var(--worse); } .verdict.no h1 { color: var(--worse); }
.verdict h1 { margin: .1rem 0 .3rem; }
header .fails { margin: .5rem 0; color: var(--ink); overflow-wrap: anywhere; }
.fails::before { content: "✗"; color: var(--worse); font-weight: 700; margin-right: .5rem; }
.reasons details { margin-left: 1.4rem; } .places { margin: .3rem 0; padding-left: 1.1rem;
  font-size: .85rem; overflow-wrap: anywhere; }
.warning::before { content: "!"; font-weight: 700; margin-right: .6rem; }
.warning { overflow-wrap: anywhere; }
.bars { display: grid; gap: .3rem .8rem; align-items: center; font-size: .92rem;
  grid-template-columns: minmax(6rem, 24%) 1fr minmax(5rem, max-content); }
.bars > span { overflow-wrap: anywhere; } .bars .soft { color: var(--soft); }
.bars .total { font-weight: 600; } .bars .from { grid-column: 1 / -1; color: var(--soft);
  font-size: .85rem; padding: .5rem 0 .1rem; }
.bars > b { font-weight: 500; text-align: right; font-variant-numeric: tabular-nums; }
.bars > b small { color: var(--soft); font-weight: 400; display: inline-block; min-width: 3.4rem; }
.bar { display: flex; height: 1.05rem; border-radius: .2rem; overflow: hidden; }
.bar i { display: block; min-width: 0; } .bar i.some { min-width: 2px; }
.fill-read, .fill-kept { background: var(--wash); } .fill-some { background: var(--tuned); }
.fill-train { background: var(--tuned); } .fill-validation { background: var(--other); }
.fill-test { background: var(--base); } .fill-trained { background: var(--tuned); }
.fill-context { background: var(--line); } .fill-special { background: var(--ink); }
.fill-malformed { background: var(--worse); }
.fill-dropped { background: repeating-linear-gradient(135deg, var(--worse) 0 2px,
  transparent 2px 5px); }
.fill-padding { background: repeating-linear-gradient(135deg, var(--base) 0 1px,
  transparent 1px 6px); opacity: .55; }
.bin { fill: var(--tuned); fill-opacity: .75; } .bin.validation { fill: var(--other); }
.bin.test { fill: var(--base); } .mark { stroke: var(--ink); stroke-width: 1.5; }
.mark.p95 { stroke-dasharray: 7 4; } .mark.p99 { stroke-dasharray: 2 3; }
.mark.limit { stroke: var(--worse); stroke-width: 2.5; }
.marked { fill: var(--ink); font-size: 13px; paint-order: stroke; stroke: var(--card);
  stroke-width: 4px; } .marked.limit { fill: var(--worse); }
.panel { background: var(--card); border: 1px solid var(--line); border-radius: .6rem;
  padding: .9rem 1rem; margin-bottom: .75rem; overflow-wrap: anywhere; }
.plots, .plots + .scroll, figure + .scroll, .panel + .scroll { margin-bottom: .75rem; }
.panel h3 small, summary small { color: var(--soft); font-weight: 400; }
.panel .cards { margin: .8rem 0; } .panel .card { padding: .4rem .7rem; }
.panel .card b { font-size: 1.05rem; overflow-wrap: anywhere; }
.half { display: grid; gap: .75rem;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 22rem), 1fr)); }
.half > * { margin: 0; min-width: 0; }
.change { display: grid; gap: .3rem .75rem; grid-template-columns: 1fr 1fr; margin: .4rem 0 .8rem; }
.change.alone { grid-template-columns: 1fr; } .change .where { grid-column: 1 / -1; }
.change p { margin: 0; padding: .4rem .6rem; background: var(--code); border-radius: .3rem;
  white-space: pre-wrap; overflow-wrap: anywhere; font-size: .88rem; unicode-bidi: plaintext; }
.change del { color: var(--worse); text-decoration-thickness: 1px; }
.change ins { color: var(--better); font-weight: 600; text-decoration-thickness: 1px; }
.strip { height: .5rem; margin: .1rem 0 .6rem; background: var(--code); }
@media screen { pre.tokens { max-height: 32rem; overflow: auto; } }
pre.tokens { white-space: pre-wrap; overflow-wrap: anywhere; line-height: 1.85; tab-size: 4;
  unicode-bidi: plaintext; text-align: start; background: none; padding: 0; }
.tokens i { font-style: normal; } .tokens i:hover { outline: 1px solid var(--ink); }
.t-context { color: var(--soft); } .t-context i:nth-child(even) { background: var(--code); }
.t-trained i { background: var(--wash); padding: .18em 0; border-bottom: 2px solid var(--tuned); }
.t-trained i:nth-child(even) { background: var(--deep); }
.t-special i { border: 1px dashed var(--soft); border-radius: .25rem; color: var(--soft);
  font-size: .88em; padding: .05em .15em; }
.t-special.is-trained i { border: 1px solid var(--tuned); border-bottom-width: 3px;
  background: var(--wash); color: var(--ink); font-weight: 600; }
.t-padding i { padding: .05em .4em; border-radius: .25rem; color: var(--soft); font-style: italic;
  background: repeating-linear-gradient(135deg, var(--line) 0 1px, transparent 1px 5px); }
.t-special i, .t-padding i { direction: ltr; unicode-bidi: isolate; }
.tokens b { font-weight: 400; opacity: .55; } .tokens b::before { content: attr(data-is); }
.tokens b.dot { position: relative; } .tokens b.dot::before { position: absolute; inset: 0;
  text-align: center; line-height: 1; }
.tokens b.break::before { content: "\\a"; white-space: pre; }
.legend { margin-bottom: .5rem; display: flex; flex-wrap: wrap; gap: .3rem 1.2rem;
  font-size: .88rem; line-height: 2; }
.key[style]::before { color: var(--key); }
.chart { font-variant-numeric: tabular-nums; } .chart.phone { display: none; }
figure > details { border: 0; padding: .2rem 0 .5rem; margin: 0; background: none; }
figure > details > summary { color: var(--soft); font-size: .8rem; }
figure > details table { width: auto; } h2 small, h3 small { color: var(--soft); font-weight: 400; }
h2 small { font-size: .9rem; } h1 span.even { color: inherit; }
.findings { margin: 0 0 .9rem; padding-left: 1.1rem; color: var(--soft); }
.findings li { margin: .2rem 0; } .findings li::marker { color: var(--line); }
.gate { border-radius: .5rem; padding: .55rem .9rem; margin: .9rem 0; border: 1px solid var(--line);
  border-left: .35rem solid var(--better); background: var(--card); }
.gate.failed { border-left-color: var(--worse); } .gate p { color: var(--ink); }
.gate.failed > p b { color: var(--worse); } .gate.passed > p b { color: var(--better); }
.gate ul { list-style: none; margin: .3rem 0 0; padding: 0; font-size: .9rem; }
.gate li { margin: .2rem 0; overflow-wrap: anywhere; } .gate small { color: var(--soft); }
.gate code { color: var(--ink); }
.compare tbody th { text-align: left; font-weight: 400; color: var(--ink); font-size: 1em;
  border-top: 1px solid var(--line); white-space: normal; min-width: 7.5rem;
  overflow-wrap: break-word; } .compare td { white-space: nowrap; }
.compare tbody th[scope=rowgroup] { font-weight: 600; padding-top: 1.1rem; }
.compare thead th { text-align: right; }
.compare thead th:nth-child(2) { white-space: normal; overflow-wrap: anywhere; min-width: 5rem; }
.compare tbody:first-of-type tr.suite th {
  padding-top: .6rem; }
.compare tbody .first th, .compare .first td { font-weight: 600; }
.compare .first + tr > *, .compare tr:not(.suite):not(.first) > * { border-top: 0; }
.compare tr:not(.suite) > * { padding-top: .3rem; padding-bottom: .3rem; }
.compare tr.first > * { border-top: 0; } .compare tbody:last-child tr:last-child > * {
  padding-bottom: .9rem; }
.compare td:last-child { text-align: left; white-space: nowrap; font-weight: 500; }
.compare td:nth-child(5) > div { display: flex; align-items: center; gap: .8rem;
  justify-content: flex-end; white-space: nowrap; font-weight: 400; }
.compare .nums { min-width: 8.4rem; } .compare td:nth-child(5) { width: 19rem; }
.scroll + details, details + .note { margin-top: .75rem; }
.changed { color: var(--ink); }
.whisker { display: block; position: relative; height: .6rem; flex: 1 0 6rem; max-width: 10rem;
  background: linear-gradient(var(--soft), var(--soft)) 50% 0 / 1px 100% no-repeat; }
.whisker b { position: absolute; top: calc(50% - 1.5px); height: 3px; border-radius: 2px;
  background: currentColor; } .whisker u { position: absolute; top: .05rem; width: .5rem;
  height: .5rem; margin-left: -.25rem; border-radius: 50%; background: currentColor; }
.advice { list-style: none; margin: 0; padding: 0; }
.advice li { background: var(--card); border: 1px solid var(--line); border-radius: .6rem;
  padding: .6rem .9rem; margin-bottom: .5rem; }
code { font: .85em/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace;
  overflow-wrap: anywhere; } .advice code { background: var(--code); border-radius: .3rem;
  padding: .1rem .35rem; margin-right: .2rem; box-decoration-break: clone;
  -webkit-box-decoration-break: clone; }
.moves h3 { margin: 1rem 0 .4rem; } .moves > summary { font-size: 1rem; }
.moves .sample { background: var(--ground); } .moves details { background: none; }
.asked { display: flex; gap: 1rem; justify-content: space-between; align-items: baseline; }
.asked p { font-weight: 600; min-width: 0; } .score { color: var(--soft); font-size: .85rem;
  white-space: nowrap; font-variant-numeric: tabular-nums; }
.sample .wanted { margin-top: .25rem; font-size: .92rem; } .line { margin: .15rem 0; }
.sample .pair { grid-template-columns: repeat(auto-fit, minmax(min(100%, 15rem), 1fr)); }
.pair p { unicode-bidi: plaintext; } .pair del { color: var(--worse);
  text-decoration-thickness: 1px; } .pair ins { color: var(--better); font-weight: 600;
  text-decoration-thickness: 1px; text-underline-offset: .15em; }
.bare { border: 0; background: none; } .confusion th, .confusion td { padding: .3rem .5rem;
  text-align: center; border: 1px solid var(--line); font-size: .88rem; }
.confusion th[scope=row] { text-align: right; } .confusion .right { font-weight: 600;
  background: color-mix(in srgb, var(--tuned) calc(var(--share) * .45), transparent); }
.confusion .wrong { background: color-mix(in srgb, var(--worse) calc(var(--share) * .45),
  transparent); } .confusion tr:first-child td { border-color: transparent; }
.settings td { overflow-wrap: anywhere; } .settings th { text-align: left; }
@media (min-width: 48rem) { .settings td:first-child { white-space: nowrap; } }
@media (max-width: 58rem) { .compare td:nth-child(5) { width: auto; } .whisker { display: none; }
  .compare th, .compare td { padding-left: .4rem; padding-right: .4rem; }
  .compare .nums { min-width: 0; } .compare tr > :first-child { padding-left: .9rem; } }
@media (max-width: 36rem) { main { padding: 1.25rem .9rem 3rem; }
  .chart.wide { display: none; } .chart.phone { display: block; }
  .compare, .compare tbody, .compare tr.suite, .compare th { display: block; width: auto; }
  .compare thead { display: none; } .compare tr:not(.suite) { display: grid;
  grid-template-columns: auto auto 1fr; gap: .1rem 1.4rem; padding: .5rem .8rem;
  border-top: 1px solid var(--line); } .compare tr.first:not(.suite) { border-top: 0; }
  .compare tbody + tbody tr.suite { border-top: 1px solid var(--line); }
  .compare tr > *, .compare tr:not(.suite) > * { padding: 0 !important; border: 0 !important; }
  .compare tr.suite th { padding: .8rem .8rem 0 !important; }
  .compare tr:not(.suite) th { grid-column: 1 / 3; } .compare td { text-align: left; }
  .compare td:last-child { grid-row: 1; grid-column: 3; text-align: right; }
  .compare td:nth-child(-n+4)::before { content: attr(data-is); color: var(--soft);
  font-size: .78rem; font-weight: 400; display: block; } .compare td:nth-child(5) {
  grid-column: 1 / -1; width: auto; }
  .compare td:nth-child(5) > div { justify-content: space-between; }
  .compare .whisker { display: block; max-width: none; order: 2; }
  .compare td { white-space: normal; }
  .asked { display: block; }
  .sample .pair { grid-template-columns: 1fr; } th, td { padding: .45rem .5rem; }
  table { font-size: .9rem; } .axis { font-size: 20px; } .plots .axis { font-size: 14px; }
  h2 { margin-top: 2.2rem; } .bars { gap: .25rem .5rem;
  grid-template-columns: minmax(5rem, 36%) 1fr minmax(3rem, max-content); }
  .bars > b small { display: none; } .change { grid-template-columns: 1fr; }
  .marked { font-size: 16px; } }
@media print { :root { color-scheme: light; } main { max-width: none; }
  .card, figure, .sample, .change, .bars { break-inside: avoid; }
  figure > details { display: none; }
  .advice li, .gate, tr { break-inside: avoid; } h2, h3 { break-after: avoid; }
  .whisker, .whisker *, .confusion td, .bar, .tokens i, .warning {
    print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
"""
