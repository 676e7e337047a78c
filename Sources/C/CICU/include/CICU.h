#pragma once
#include <stdint.h>

// Nothing of ICU's own headers may stand here: Swift's Foundation brings a module of another version of them, and clang
// refuses a compilation that sees both.

/// ICU's iterator over the boundaries of words.
typedef struct cicu_words cicu_words;

/// Finds the boundaries of words in UTF-16 text, which must stay where it is. By the rules of no language in particular: the
/// dictionaries of all are in them, and the surroundings have no say. NULL where ICU cannot.
cicu_words *cicu_words_open(const uint16_t *text, int32_t count);

/// The next boundary in code units; negative behind the last one.
int32_t cicu_words_next(cicu_words *words);

void cicu_words_close(cicu_words *words);
