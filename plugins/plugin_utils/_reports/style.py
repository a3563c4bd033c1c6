# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the page of a report looks: light and dark as the reader has it, and on paper.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

STYLE = """
:root { color-scheme: light dark; --text: #1b1f24; --page: #fff; --faint: #57606a; --line: #d0d7de; --head: #f3f5f7;
  --link: #0550ae; --o: #d3f0d8; --o-text: #0b5a1e; --s: #dbeafe; --s-text: #0b3d91; --x: #e6e2f3; --x-text: #45308a;
  --r: #e7eaee; --r-text: #3d4650; --i: #ffe2b8; --i-text: #7a3e00; --f: #c62828; --f-text: #fff; --u: #7b1fa2;
  --u-text: #fff; --m: #fff; --m-text: #b3261e; --n-text: #8a929b; }
@media (prefers-color-scheme: dark) { :root { --text: #e6e9ec; --page: #14171a; --faint: #a3adb8; --line: #3a4149;
  --head: #1f2429; --link: #8ab8ff; --o: #173d22; --o-text: #a8e6b5; --s: #16305c; --s-text: #bcd4ff; --x: #332a55;
  --x-text: #d3c8ff; --r: #30363d; --r-text: #d0d7de; --i: #5a3a00; --i-text: #ffd79a; --f: #c93030; --f-text: #fff;
  --u: #9a3fbd; --u-text: #fff; --m: #14171a; --m-text: #ff9a92; --n-text: #6f7881; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem 1.5rem 3rem; max-width: 120rem; color: var(--text); background: var(--page);
  font: 15px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
h1 { font-size: 1.6rem; margin: .5rem 0; } h2 { font-size: 1.2rem; margin: 2rem 0 .5rem; }
a { color: var(--link); } nav a { margin-right: 1rem; }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
p.bad, p.good { padding: .5rem .75rem; border-left: .4rem solid var(--f); background: var(--head); max-width: 70rem; }
p.good { border-color: var(--o-text); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; color: var(--faint); }
dd { margin: 0; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; max-width: 100%; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--faint); padding: .25rem 0; }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem; border-bottom: 1px solid var(--line); }
thead th { background: var(--head); white-space: nowrap; }
tbody th { font-weight: 600; white-space: nowrap; } small { color: var(--faint); font-weight: 400; }
.path, code { overflow-wrap: anywhere; } .path { display: inline-block; min-width: 12rem; } code { font-size: .9em; }
.badge { display: inline-block; padding: 0 .5rem; border-radius: .7rem; white-space: nowrap; }
details ol { margin: .25rem 0; padding-left: 1.5rem; min-width: 20rem; }
summary { cursor: pointer; white-space: nowrap; }
.legend { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; }
.legend span { display: inline-block; width: 1.5em; text-align: center; border: 1px solid var(--line); }
.nights th, .nights td { padding: .1rem .15rem; font-size: .8rem; }
.nights td { text-align: center; min-width: 1.35em; border: 1px solid var(--page); }
.nights td a { display: block; color: inherit; text-underline-offset: 2px; }
tr:target { outline: 2px solid var(--link); }
.nights thead th { text-align: center; border-left: 1px solid var(--line); }
.nights tbody th, .nights thead tr:first-child th:first-child { position: sticky; left: 0; background: var(--head);
  text-align: left; white-space: nowrap; padding: .1rem .6rem .1rem .3rem; max-width: 20rem; overflow: hidden;
  text-overflow: ellipsis; }
.nights tbody tr:hover { outline: 1px solid var(--faint); }
.o { background: var(--o); color: var(--o-text); } .s { background: var(--s); color: var(--s-text); }
.x { background: var(--x); color: var(--x-text); } .r { background: var(--r); color: var(--r-text); }
.i { background: var(--i); color: var(--i-text); font-weight: 700; }
.f { background: var(--f); color: var(--f-text); font-weight: 700; }
.u { background: var(--u); color: var(--u-text); font-weight: 700; }
.m { background: var(--m); color: var(--m-text); font-weight: 700; box-shadow: inset 0 0 0 2px var(--m-text); }
.n { color: var(--n-text); }
@media print { @page { size: A4 landscape; margin: 10mm; } body { padding: 0; max-width: none; font-size: 10px; }
  nav { display: none; } .scroll { overflow: visible; } thead { display: table-header-group; }
  tr { break-inside: avoid; } h2 { break-after: avoid; } .nights th, .nights td { padding: 0 1px; font-size: 6.5px; }
  .nights td { min-width: 0; } .nights tbody th { position: static; max-width: 9rem; }
  .badge, .nights td, .legend span { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
"""
