// From a table to datasets, one per site: the schema's ranges decide, never the records'
// statistics.
#pragma once

#include "base/ids.h"
#include "data/dataset.h"
#include "data/table.h"

namespace hanse::data {

struct SiteData {
  base::SiteId site;
  std::string site_class;  // equipment generation or vertical; may be empty
  Dataset records;
};

// Whose record each is, for tables that do not say so themselves (sites.h).
struct SiteOfRecord {
  std::string site;
  std::string site_class = {};
};

struct EncodeOptions {
  // Targets without a label are NaN, where they may be; what else a table lacks for predicting
  // stays unknown.
  Purpose purpose = Purpose::training;
  // Whose records they are when the schema has no site column.
  std::string site = "all";
  std::string site_class = {};
  // Of each record, instead of the schema's site columns; empty: those decide.
  std::span<const SiteOfRecord> sites = {};
};

// What a table calls a site, with '_' for blanks: "United States" is "United_States".
std::string site_name(std::string text);

// Sites in the byte order of their names, records of a site in the table's order. A number is
// scaled from [low, high] to [-1, 1] and clipped to it (counted); a regression label or an input
// beyond its range is clipped and counted too. A missing category (an empty text) whose policy is
// neutral has none of its values. Several site columns name a site together as group_name does,
// and it is called as site_name() has it.
//
// Errors name source, record, column, expected and found: a missing column, a missing value, NaN or
// infinity, a value that is not declared, a site name that is none, two site classes at one site, a
// table without records. Their texts hold values of records and stay at the site.
base::Result<std::vector<SiteData>> encode(std::shared_ptr<const Schema> schema, const Table& table,
                                           const EncodeOptions& options = {});

}  // namespace hanse::data
