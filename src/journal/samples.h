#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <vector>

#include "history/sample.h"
#include "journal/database.h"
#include "journal/projection.h"

// How samples lie in the tables. All of it throws what SQLite throws: see Database::guarded.
namespace interlock::journal {

/// Within the caller's transaction.
void write_measured(Database& database, const Measured& measured);
void write_sample(Database& database, const history::Sample& sample);

SampleOwner owner_of(Database& database, std::int64_t run);

/// Makes the tables of format 4 and moves what earlier formats had measured into them; within the
/// caller's transaction.
void bring_up_samples(SQLite::Database& sqlite);
/// What a journal of an earlier format has measured.
std::vector<history::Sample> samples_of_earlier_formats(SQLite::Database& sqlite);

}  // namespace interlock::journal
