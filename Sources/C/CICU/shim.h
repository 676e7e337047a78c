#pragma once
#include <stddef.h>
#include <unicode/ubrk.h>

// ICU's functions have its version in their names (ubrk_open_72), by macros, which Swift does not see.

/// Finds the boundaries of words in UTF-16 text, which must stay where it is. By the rules of no language in particular: the
/// dictionaries of all are in them, and the surroundings have no say. NULL where ICU cannot.
static inline UBreakIterator *cicu_words_open(const uint16_t *text, int32_t count) {
    UErrorCode error = U_ZERO_ERROR;
    UBreakIterator *words = ubrk_open(UBRK_WORD, "", (const UChar *)text, count, &error);
    if (U_SUCCESS(error)) return words;
    if (words) ubrk_close(words);
    return NULL;
}

/// The next boundary in code units; negative behind the last one.
static inline int32_t cicu_words_next(UBreakIterator *words) { return ubrk_next(words); }

static inline void cicu_words_close(UBreakIterator *words) { ubrk_close(words); }
