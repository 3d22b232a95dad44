// Matrix products for fp32 on the tiles of 16-bit numbers (AMX) that Intel's processors have
// from Sapphire Rapids on; see amx.cpp. An infinite factor gives NaN.
#pragma once
#include <cstdint>
#include "product.h"

namespace fta {
constexpr int64_t kAmxUnit = 32;  // parts of C begin at a multiple of so many rows and columns

bool has_amx();  // whether this processor has the tiles and the system lets us use them
// Whether the tiles are the faster way. By the shape alone, so that no number of threads
// changes what is computed.
bool suits_amx(int64_t m, int64_t n, int64_t k);
// These rows and columns of C, on this thread.
void amx_part(const Product& p, int64_t row, int64_t rows, int64_t column, int64_t columns);
}  // namespace fta
