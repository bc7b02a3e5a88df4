/* case_map.h: upper, lower and title case of one code point, as Go's unicode package maps them: simple mappings, so that one becomes one.
 *
 * Source: UnicodeData.txt of Unicode 14, columns 12 to 14. Thread: any.
 */
#pragma once

#include <stdint.h>

uint32_t rune_upper(uint32_t rune);
uint32_t rune_lower(uint32_t rune);
uint32_t rune_title(uint32_t rune);
