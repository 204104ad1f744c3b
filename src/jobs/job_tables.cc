// Tables in a job file: where they lie, their columns, what is joined to them and made of them,
// and whose records they hold.

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/limits.h"
#include "base/nearest.h"
#include "jobs/job_sections.h"

namespace hanse::jobs {
namespace {

using data::TableFormat;
using data::TransformKind;

// A million tables joined or transforms made of one another are a slip of the finger.
constexpr std::size_t kMaxParts = 1000;

constexpr std::uint64_t kMaxWindow = 10'000;  // records: beyond it a window is a table of its own

// One text per key that the file names.
std::map<std::string, std::string> read_texts(Section section) {
  std::map<std::string, std::string> texts;
  for (const std::string& key : section.keys()) section.get(key, texts[key]);
  return texts;
}

std::map<std::string, std::vector<std::string>> read_lists(Section section) {
  std::map<std::string, std::vector<std::string>> lists;
  for (const std::string& key : section.keys()) section.get(key, lists[key]);
  return lists;
}

data::TableSpec read_table_spec(Section& section, TableFormat format,
                                const Environment& environment) {
  const bool database = format == TableFormat::postgresql;
  constexpr auto kFiles = "files, not for source = \"postgresql\"";
  data::TableSpec spec;
  spec.format = format;
  read_path(section, "path", spec.path, environment);
  section.get("files", spec.files);
  section.only(!database, "files", kFiles);
  read_separator(section, spec.separator);
  section.only(format == TableFormat::csv, "separator", "source = \"csv\"");
  read_decimal(section, spec.decimal);
  section.only(format == TableFormat::csv || format == TableFormat::whitespace, "decimal",
               "source = \"csv\" or \"whitespace\"");
  section.get("header", spec.header);
  section.only(!database, "header", kFiles);
  section.get("row_number", spec.row_number);
  spec.constants = read_texts(section.section("constants"));
  spec.only = read_lists(section.section("only"));
  section.only(!spec.files.empty(), "only", "a folder whose `files` have fields in their names");
  section.get("query", spec.query);
  section.only(database, "query", "source = \"postgresql\"");
  if (database) section.require({"query"});
  return spec;
}

// A declared end of a range. What `hanse data inspect` leaves to be filled in gets a hint.
void read_end(Section& section, std::string_view key, double& end) {
  if (!section.is_text(key)) return section.get(key, end);
  std::string text;
  section.get(key, text);
  section.refuse(key, fmt::format("expected a number, found \"{}\"; declare what is physically "
                                  "possible, in the column's unit, not what this file holds",
                                  text));
}

data::Missing read_missing(Section section) {
  data::Missing missing;
  section.require({"policy"});
  section.get_word<data::MissingPolicy>("policy", missing.policy, choice_of<data::MissingPolicy>);
  missing.tokens = {""};
  section.get("tokens", missing.tokens);
  if (section.has("value") && !section.is_text("value")) {
    double number = 0;
    section.get("value", number);
    missing.value = fmt::format("{}", number);
  } else {
    section.get("value", missing.value);
  }
  const bool valued = missing.policy == data::MissingPolicy::value;
  section.only(valued, "value", "policy = \"value\"");
  if (valued) section.require({"value"});
  section.get("indicator", missing.indicator);
  section.finish();
  return missing;
}

data::Column read_column(Section& section) {
  section.require({"name", "kind"});
  data::Column column;
  section.get("name", column.name);
  const bool known =
      section.get_word<data::ColumnKind>("kind", column.kind, choice_of<data::ColumnKind>);
  section.get("unit", column.unit);
  read_end(section, "low", column.low);
  read_end(section, "high", column.high);
  section.get("values", column.values);
  const bool has_missing = section.has("missing");
  Section missing = section.section("missing");
  if (has_missing) column.missing = read_missing(missing);
  const bool whole = section.finish() && section.has("kind") && known;
  if (whole && !section.is_text("low") && !section.is_text("high"))
    if (const auto fine = data::check_column(column); !fine)
      section.refuse_where_named(fine.error());
  return column;
}

std::vector<data::Column> read_columns(Section& section) {
  std::vector<data::Column> columns;
  for (Section& column : section.sections("column", base::kMaxColumns))
    columns.push_back(read_column(column));
  return columns;
}

// Keys are declared: what is not is read past.
void check_keys(Section& section, const JoinSpec& join, std::span<const data::Column> declared) {
  std::vector<std::string> names;
  for (const data::Column& column : declared) names.push_back(column.name);
  for (const std::string& key : join.on) {
    const auto column = std::ranges::find(declared, key, &data::Column::name);
    if (column == declared.end())
      section.refuse("on", fmt::format("no [[data.column]] is named '{}'{}", key,
                                       base::did_you_mean(key, names)));
    else if (!data::is_read(*column) || data::is_number(*column))
      section.refuse("on", fmt::format("column '{}' is of kind \"{}\"; tables are joined on texts: "
                                       "expected \"text\", \"group\" or another kind of text",
                                       key, name_of(column->kind)));
  }
}

JoinSpec read_join(Section& section, TableFormat format, const Environment& environment) {
  section.require({"path", "on", "column"});
  JoinSpec join;
  section.get_word<TableFormat>("source", format, choice_of<TableFormat>);
  join.table = read_table_spec(section, format, environment);
  section.get("on", join.on);
  if (section.has("on") && join.on.empty())
    section.refuse("on", "expected the columns that both tables have, at least one");
  join.columns = read_columns(section);
  section.finish();
  return join;
}

// Which keys a kind of transform has a use for, beside `kind`, `name`, `as` and `unit`.
struct Uses {
  TransformKind kind;
  bool of, keyed, length, range, edges, values;
};
constexpr std::array<Uses, 18> kUses{{
    {TransformKind::rolling_mean, true, true, true, true, false, false},
    {TransformKind::rolling_std, true, true, true, true, false, false},
    {TransformKind::rolling_slope, true, true, true, true, false, false},
    {TransformKind::baseline, true, true, true, true, false, false},
    {TransformKind::window, true, true, true, true, false, false},
    {TransformKind::log, true, false, false, true, false, false},
    {TransformKind::copy, true, false, false, true, false, false},
    {TransformKind::ratio, true, false, false, true, false, false},
    {TransformKind::product, true, false, false, true, false, false},
    {TransformKind::difference, true, false, false, true, false, false},
    {TransformKind::interaction, true, false, false, true, false, false},
    {TransformKind::sum, true, false, false, true, false, false},
    {TransformKind::hats, true, false, false, false, true, false},
    {TransformKind::remaining_life, false, true, false, false, false, false},
    {TransformKind::threshold, true, false, false, false, true, true},
    {TransformKind::bands, true, false, false, false, true, true},
    {TransformKind::which, true, false, false, false, false, true},
    {TransformKind::combine, true, false, false, false, false, false},
}};

// A key that this kind needs, or has no use for.
void needs(Section& section, bool used, std::string_view key, std::string_view kind) {
  if (used && !section.has(key)) section.require({key});
  if (!used && section.has(key))
    section.refuse(key, fmt::format("kind = \"{}\" has no use for it; remove it", kind));
}

void read_range(Section& section, bool used, std::string_view kind, data::TransformSpec& spec) {
  section.get("part", spec.part, 1e-6, 1);
  read_end(section, "low", spec.low);
  read_end(section, "high", spec.high);
  for (const auto* key : {"part", "low", "high"})
    if (!used) needs(section, false, key, kind);
  if (section.has("low") != section.has("high"))
    section.refuse(section.has("low") ? "low" : "high", "low and high are declared together");
  else if (section.has("low") && !section.is_text("low") && !section.is_text("high") &&
           !(spec.low < spec.high))
    section.refuse("low",
                   fmt::format("expected low below high, found {} and {}", spec.low, spec.high));
  if (section.has("part") && section.has("low"))
    section.refuse("part", "low and high say the range already; remove one or the other");
}

data::TransformSpec read_transform(Section& section) {
  section.require({"kind", "name"});
  data::TransformSpec spec;
  // Without a kind that there is, nobody can say which keys it needs.
  if (!section.get_word<TransformKind>("kind", spec.kind, choice_of<TransformKind>)) return spec;
  const Uses& uses = *std::ranges::find(kUses, spec.kind, &Uses::kind);
  const std::string_view kind = name_of(spec.kind);
  section.get("name", spec.name);
  section.get_word<data::ColumnKind>("as", spec.as, choice_of<data::ColumnKind>);
  section.get("unit", spec.unit);
  section.get("of", spec.of);
  needs(section, uses.of, "of", kind);
  section.get("key", spec.key);
  needs(section, uses.keyed, "key", kind);
  section.get("order", spec.order);
  needs(section, uses.keyed, "order", kind);
  section.get<std::size_t>("length", spec.length, 1, kMaxWindow);
  needs(section, uses.length, "length", kind);
  read_range(section, uses.range, kind, spec);
  const bool life = spec.kind == TransformKind::remaining_life;
  section.get("clip", spec.clip, 1e-9, 1e15);
  needs(section, life, "clip", kind);
  section.get("after_last", spec.after_last);
  if (!life) needs(section, false, "after_last", kind);
  section.get("edges", spec.edges);
  needs(section, uses.edges, "edges", kind);
  section.get("weights", spec.weights);
  if (spec.kind != TransformKind::sum) needs(section, false, "weights", kind);
  section.get("values", spec.values);
  if (spec.kind != TransformKind::combine) needs(section, uses.values, "values", kind);
  section.finish();
  return spec;
}

void read_sites(Section section, data::SitesSpec& sites) {
  section.get("deal_by", sites.deal_by);
  // A number alone deals all records, of whatever class, among so many sites.
  if (section.has("deal") && !section.is_table("deal")) {
    section.get<std::uint32_t>("deal", sites.deal[""], 1, base::kMaxSites);
    section.only(sites.deal_by.empty(), "deal_by", "a table of classes in `deal`");
  } else {
    Section deal = section.section("deal");
    for (const std::string& site_class : deal.keys())
      deal.get<std::uint32_t>(site_class, sites.deal[site_class], 1, base::kMaxSites);
    if (!sites.deal.empty()) section.require({"deal_by"});
    if (!sites.deal_by.empty()) section.require({"deal"});
  }
  section.get("together", sites.together);
  section.only(!sites.deal.empty(), "together", "records that are dealt: `deal`");
  section.get("min_records", sites.min_records);
  section.finish();
}

SiteTable read_site_table(Section& section, const Environment& environment) {
  section.require({"name", "path"});
  SiteTable site;
  section.get("name", site.name);
  if (const auto id = base::SiteId::create(site.name); section.is_text("name") && !id)
    section.refuse("name", id.error().text());
  section.get("class", site.site_class);
  read_path(section, "path", site.path, environment);
  read_path(section, "map", site.map, environment);
  section.finish();
  return site;
}

void read_site_tables(Section& section, const Environment& environment, TableSource& source) {
  for (Section& site : section.sections("site", base::kMaxSites)) {
    source.site_tables.push_back(read_site_table(site, environment));
    const auto& all = source.site_tables;
    if (std::ranges::count(all, all.back().name, &SiteTable::name) > 1)
      site.refuse("name", fmt::format("two sites are named '{}'", all.back().name));
  }
  section.only(!section.has("site"), "path", "one table; with [[data.site]] each site has its own");
  section.only(!section.has("site"), "sites",
               "one table; with [[data.site]] each site has its own");
  if (!section.has("site")) section.require({"path"});
  for (const data::Column& column : source.columns)
    if (section.has("site") &&
        (column.kind == data::ColumnKind::site || column.kind == data::ColumnKind::site_class))
      section.refuse("site",
                     fmt::format("each table is one site's, so column '{}' cannot say whose "
                                 "records they are; make it \"ignore\"",
                                 column.name));
}

}  // namespace

void read_separator(Section& section, char& separator) {
  std::string text(1, separator);
  section.get("separator", text);
  if (text.size() == 1 && text[0] > 0 && std::string_view("\"\n\r").find(text[0]) == text.npos)
    separator = text[0];
  else
    section.refuse("separator", "expected one ASCII character, for example \",\" or \";\"");
}

void read_decimal(Section& section, char& decimal) {
  std::string text(1, decimal);
  section.get("decimal", text);
  if (text == "." || text == ",")
    decimal = text[0];
  else
    section.refuse("decimal", "expected \".\" or \",\"");
}

TableSource read_table_source(Section& section, TableFormat format,
                              const Environment& environment) {
  section.require({"column"});
  TableSource source;
  source.table = read_table_spec(section, format, environment);
  source.columns = read_columns(section);
  std::vector<data::Column> declared = source.columns;
  for (Section& join : section.sections("join", kMaxParts)) {
    source.joins.push_back(read_join(join, format, environment));
    check_keys(join, source.joins.back(), declared);
    const auto& more = source.joins.back().columns;
    declared.insert(declared.end(), more.begin(), more.end());
  }
  for (Section& transform : section.sections("transform", kMaxParts))
    source.transforms.push_back(read_transform(transform));
  read_sites(section.section("sites"), source.sites);
  read_site_tables(section, environment, source);
  return source;
}

}  // namespace hanse::jobs
