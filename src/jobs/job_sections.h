// The [data] of a job file, which is long enough for files of its own.
#pragma once

#include "jobs/job.h"
#include "jobs/toml_reader.h"

namespace hanse::jobs {

// Source, split and fold.
void read_data(Section section, const Environment& environment, Job& job);

// What [data] holds for tables of this format.
TableSource read_table_source(Section& section, data::TableFormat format,
                              const Environment& environment);

// An error about the whole of the source, placed at the part of [data] that its text names first.
void refuse_source(Section data, const base::Error& error);

// `path`, ${NAME} replaced; the key as it is called here.
void read_path(Section& section, std::string_view key, std::string& path,
               const Environment& environment);

// How a table's file is written.
void read_separator(Section& section, char& separator);
void read_decimal(Section& section, char& decimal);

// One of these words, as it is.
std::function<base::Result<std::string>(std::string_view)> word_of(
    std::vector<std::string_view> words);

}  // namespace hanse::jobs
