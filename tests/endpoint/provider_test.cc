#include "endpoint/provider.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
