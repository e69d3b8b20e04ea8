#pragma once

#include "base/json.h"

namespace interlock::plan {

/// The JSON Schema (2020-12) of plan documents: for editors, and for agents that write plans. What
/// keys there are it has from the tables of the reader. It says less than the reader: that names
/// mean something, and what may stand beside what, a document shows only when it is read.
json::object document_schema();

}  // namespace interlock::plan
