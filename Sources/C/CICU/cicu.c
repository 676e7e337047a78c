#include "CICU.h"

#include <stddef.h>
#include <unicode/ubrk.h>

cicu_words *cicu_words_open(const uint16_t *text, int32_t count) {
    UErrorCode error = U_ZERO_ERROR;
    UBreakIterator *words = ubrk_open(UBRK_WORD, "", (const UChar *)text, count, &error);
    if (U_SUCCESS(error)) return (cicu_words *)words;
    if (words) ubrk_close(words);
    return NULL;
}

int32_t cicu_words_next(cicu_words *words) { return ubrk_next((UBreakIterator *)words); }

void cicu_words_close(cicu_words *words) { ubrk_close((UBreakIterator *)words); }
