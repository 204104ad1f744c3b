#include "jobs/report_page.h"

#include <fmt/format.h>

#include "jobs/report_charts.h"

namespace hanse::jobs {
namespace {

// Colours: orange, blue and grey differ for all common kinds of colour blindness; text keeps a
// contrast of 4.5 to its background in both schemes (WCAG 2.1, 1.4.3).
constexpr std::string_view kStyle = R"(
:root{color-scheme:light dark;
--page:#fbfbf9;--card:#fff;--ink:#1b1f24;--muted:#5b6169;--line:#e2e3e0;--track:#f0f0ed;
--local:#e0823d;--federated:#2563c9;--pooled:#9297a0;
--notice:#fdf3dc;--notice-ink:#6b4a00;--notice-line:#e9cf8f;
--font:system-ui,"Segoe UI","DejaVu Sans",sans-serif}
@media (prefers-color-scheme:dark){:root{
--page:#121416;--card:#1a1d20;--ink:#eceef0;--muted:#a4aab2;--line:#2d3135;--track:#24282c;
--local:#f09c5c;--federated:#6ba3ff;--pooled:#7d838c;
--notice:#2c2412;--notice-ink:#f3d488;--notice-line:#54451d}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:16px/1.5 var(--font)}
main{max-width:60rem;margin:0 auto;padding:2.5rem 1.25rem 4rem}
h1{font-size:2rem;line-height:1.2;margin:0 0 .25rem;letter-spacing:-.02em}
h2{font-size:1.2rem;margin:2.75rem 0 .75rem;letter-spacing:-.01em}
p{margin:.5rem 0}
.meta,.note{color:var(--muted)}
.note{font-size:.9rem;font-weight:400}
.notice{background:var(--notice);color:var(--notice-ink);border:1px solid var(--notice-line);
border-radius:10px;padding:.8rem 1rem;margin:1.5rem 0}
.card{background:var(--card);border:1px solid var(--line);border-radius:12px;
padding:1.1rem 1.25rem;margin:.75rem 0}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{padding:.42rem .7rem;text-align:right;white-space:nowrap}
tbody tr+tr>*{border-top:1px solid var(--line)}
thead>tr>*{border-bottom:1px solid var(--line)}
th:first-child,.word{text-align:left}
td.word{white-space:normal;min-width:12rem;overflow-wrap:anywhere}
thead th{color:var(--muted);font-weight:500;font-size:.88rem}
tbody th{font-weight:500}
td.main{font-weight:700}
svg{display:block;width:100%;min-width:34rem;height:auto;font:13px var(--font)}
.grid{stroke:var(--line)}
.tick{fill:var(--muted)}.name{fill:var(--ink);font-weight:500}.value{fill:var(--ink)}
.curve{fill:none;stroke:var(--federated);stroke-width:2;stroke-linejoin:round;stroke-opacity:.85}
.track{fill:var(--track)}
.local{fill:var(--local)}.federated{fill:var(--federated)}.pooled{fill:var(--pooled)}
.legend{display:flex;flex-wrap:wrap;gap:.4rem 1.4rem;margin:0 0 .9rem;padding:0;
list-style:none;font-size:.9rem}
.legend i{display:inline-block;width:.8em;height:.8em;border-radius:3px;margin-right:.45em}
.legend .local{background:var(--local)}.legend .federated{background:var(--federated)}
.legend .pooled{background:var(--pooled)}
details{margin:.75rem 0}
summary{cursor:pointer;color:var(--muted)}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.35rem 1.5rem;margin:0}
dt{color:var(--muted)}dd{margin:0;overflow-wrap:anywhere}
)";

}  // namespace

std::string report_page(std::string_view title, std::string_view about, std::string_view facts,
                        std::string_view body) {
  return fmt::format(R"(<!doctype html><html lang="en"><head><meta charset="utf-8">)"
                     R"(<meta name="viewport" content="width=device-width,initial-scale=1">)"
                     R"(<title>{0}: Hanse report</title><style>{1}</style></head><body><main>)"
                     R"(<h1>{0}</h1><p>{2}</p><p class="meta">{3}</p>{4}</main></body></html>)"
                     "\n",
                     escaped(title), kStyle, escaped(about), escaped(facts), body);
}

std::string report_page(const ReportedJob& job, std::string_view seeds, std::string_view body) {
  return report_page(job.name, job.description,
                     fmt::format("{} · {} · {}", job.model, job.strategy, seeds), body);
}

}  // namespace hanse::jobs
