#include "report/run_html.h"

// Colours differ in lightness too, and every kind of wait has dashes of its own: no hue is needed
// to tell them apart.
namespace interlock::report {

std::string_view report_style() {
  return R"css(
:root{color-scheme:light dark;--paper:#fff;--card:#f5f6f8;--ink:#1b1f24;--faint:#59626d;--line:#d5d9df;
--work:#2563a8;--failed:#b3261e;--redone:#8a6d00;--running:#0b7a75;--needs:#6b7280;--conflict:#c2410c;--quota:#7c3aed;
--slot:#0e7490;--gate:#be185d;--backoff:#a16207;--turn:#4d7c0f;--good:#1a6b34}
@media (prefers-color-scheme:dark){:root{--paper:#14171b;--card:#1e2329;--ink:#e6e9ed;--faint:#9aa5b1;--line:#39414b;
--work:#6aa9f0;--failed:#ff8a80;--redone:#e0b93c;--running:#4fd1c5;--needs:#9aa5b1;--conflict:#fb923c;--quota:#b79cff;
--slot:#5ad1e6;--gate:#f472b6;--backoff:#facc15;--turn:#a3e635;--good:#6fd08c}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:72rem;padding:1.25rem;background:var(--paper);color:var(--ink);
font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Liberation Sans",sans-serif}
h1{font-size:1.5rem;line-height:1.25;margin:0 0 .25rem;overflow-wrap:anywhere}
h2{font-size:1.1rem;margin:2rem 0 .5rem;padding-bottom:.25rem;border-bottom:1px solid var(--line)}
h3{font-size:1rem;margin:1rem 0 .25rem;overflow-wrap:anywhere}
p{margin:.4rem 0}
.lead{font-size:1.1rem}
.faint,.meta{color:var(--faint)}
.meta{font-size:.875rem;overflow-wrap:anywhere}
.bad{color:var(--failed)}
.good{color:var(--good)}
code,pre,.id{font-family:ui-monospace,"DejaVu Sans Mono",Menlo,Consolas,monospace;font-size:.875em}
.id,code{overflow-wrap:anywhere}
pre{background:var(--card);padding:.6rem .75rem;border-radius:6px;white-space:pre-wrap;overflow-wrap:anywhere;margin:.4rem 0}
ul{margin:.4rem 0;padding-left:1.2rem}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(8.5rem,1fr));gap:.6rem;margin:1rem 0;padding:0}
.tiles div{background:var(--card);border-radius:6px;padding:.5rem .75rem}
.tiles dt{color:var(--faint);font-size:.8rem}
.tiles dd{margin:0;font-size:1.2rem;font-weight:600}
.tiles dd small{display:block;font-size:.8rem;font-weight:400;color:var(--faint)}
table{border-collapse:collapse;width:100%;margin:.5rem 0}
th{font-size:.8rem;font-weight:600;color:var(--faint);text-align:left}
th,td{padding:.2rem .5rem .2rem 0;vertical-align:top;border-bottom:1px solid var(--line)}
.n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
.scroll{overflow-x:auto}
svg{display:block;width:100%;height:14px;overflow:visible}
.ways td:first-child{white-space:nowrap}
.ways td:nth-child(2){width:45%}
.t td:nth-child(2){width:46%;min-width:9rem;background:linear-gradient(90deg,var(--line) 1px,transparent 1px) 0 0/25% 100%}
.axis{display:flex;justify-content:space-between;font-size:.75rem;color:var(--faint);font-weight:400}
path{fill:none;vector-effect:non-scaling-stroke}
.a{stroke:var(--needs);stroke-width:2;stroke-dasharray:1 3}
.b{stroke:var(--conflict);stroke-width:3;stroke-dasharray:5 2}
.c{stroke:var(--slot);stroke-width:2}
.d{stroke:var(--quota);stroke-width:4;stroke-dasharray:2 2}
.e{stroke:var(--gate);stroke-width:3;stroke-dasharray:9 3}
.f{stroke:var(--backoff);stroke-width:3;stroke-dasharray:1 2}
.g{stroke:var(--turn);stroke-width:2;stroke-dasharray:9 2 2 2}
.h{stroke:var(--faint);stroke-width:2;stroke-dasharray:2 5}
.i{stroke:var(--work);stroke-width:12}
.j{stroke:var(--failed);stroke-width:12;stroke-dasharray:3 1}
.k{stroke:var(--redone);stroke-width:6}
.l{stroke:var(--running);stroke-width:12;stroke-dasharray:6 1}
.w{stroke:var(--faint);stroke-width:10}
.x{stroke:var(--work);stroke-width:10}
.v{stroke:var(--ink);stroke-width:2}
.key{display:flex;flex-wrap:wrap;gap:.25rem 1rem;list-style:none;padding:0;font-size:.8rem;color:var(--faint)}
.key svg{display:inline-block;width:2.2rem;vertical-align:middle;margin-right:.35rem}
.why{display:block;color:var(--faint);font-size:.8rem;overflow-wrap:anywhere}
.crit{font-weight:700}
.crit::after{content:" \25c6";color:var(--conflict)}
footer{margin-top:2rem;color:var(--faint);font-size:.8rem}
@media (max-width:40rem){body{padding:.75rem}
.t thead{display:none}
.t tr{display:grid;grid-template-columns:1fr auto auto auto;gap:0 .6rem;border-bottom:1px solid var(--line);padding:.3rem 0}
.t td{border:0;padding:0}
.t td:nth-child(1){grid-column:1/-1}
.t td:nth-child(2){grid-column:1/-1;width:auto}
.t td.n{font-size:.8rem}
.ways{font-size:.8rem}
.ways th.n{white-space:normal}
.ways td:nth-child(2),.ways th:nth-child(2){display:none}
.ways td:first-child{white-space:normal}}
@page{size:A4;margin:15mm}
@media print{:root{color-scheme:light;--paper:#fff;--card:#f5f6f8;--ink:#000;--faint:#444;--line:#bbb;
--work:#2563a8;--failed:#b3261e;--redone:#8a6d00;--running:#0b7a75;--needs:#6b7280;--conflict:#c2410c;--quota:#7c3aed;
--slot:#0e7490;--gate:#be185d;--backoff:#a16207;--turn:#4d7c0f;--good:#1a6b34}
body{max-width:none;padding:0;font-size:10pt;print-color-adjust:exact;-webkit-print-color-adjust:exact}
.t td:nth-child(2){background:none}h2{break-after:avoid}tr,.tiles,pre{break-inside:avoid}thead{display:table-header-group}.scroll{overflow:visible}}
)css";
}

}  // namespace interlock::report
