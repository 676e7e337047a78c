#include "CPocketSphinx.h"

#include <pocketsphinx.h>
#include <pthread.h>
#include <sphinxbase/err.h>

struct cps_decoder {
    ps_decoder_t *ps;
};

static pthread_once_t log_once = PTHREAD_ONCE_INIT;

// The log stream is one for the whole process.
static void silence_log(void) { err_set_logfp(NULL); }

cps_decoder *cps_open(const cps_settings *settings) {
    pthread_once(&log_once, silence_log);
    // -remove_silence no: with yes, pauses are cut out of the audio and every later word time is wrong.
    cmd_ln_t *config = cmd_ln_init(
        NULL, ps_args(), TRUE, "-hmm", settings->acoustic_model, "-lm", settings->language_model, "-dict",
        settings->dictionary, "-remove_silence", "no", NULL);
    if (!config) return NULL;
    cmd_ln_set_int_r(config, "-maxhmmpf", settings->max_hypotheses);
    cmd_ln_set_int_r(config, "-maxwpf", settings->max_words);
    cmd_ln_set_float_r(config, "-lw", settings->language_weight);
    ps_decoder_t *ps = ps_init(config);
    cmd_ln_free_r(config);
    if (!ps) return NULL;
    cps_decoder *decoder = malloc(sizeof *decoder);
    if (!decoder) {
        ps_free(ps);
        return NULL;
    }
    decoder->ps = ps;
    return decoder;
}

void cps_close(cps_decoder *decoder) {
    if (!decoder) return;
    ps_free(decoder->ps);
    free(decoder);
}

int cps_decode(
    cps_decoder *decoder, const int16_t *samples, size_t count, cps_word_callback callback, void *context) {
    ps_decoder_t *ps = decoder->ps;
    // Forgets the noise estimate of earlier utterances; the cepstral mean is taken over the whole utterance anyway
    // (full_utt), so that nothing else carries over.
    if (ps_start_stream(ps) < 0 || ps_start_utt(ps) < 0) return -1;
    int processed = ps_process_raw(ps, samples, count, FALSE, TRUE);
    if (ps_end_utt(ps) < 0 || processed < 0) return -1;
    logmath_t *logmath = ps_get_logmath(ps);
    int score;
    // Also finds the best path, which the probabilities need.
    if (!ps_get_hyp(ps, &score)) return 0;
    for (ps_seg_t *segment = ps_seg_iter(ps); segment; segment = ps_seg_next(segment)) {
        int first, last;
        ps_seg_frames(segment, &first, &last);
        double probability = logmath_exp(logmath, ps_seg_prob(segment, NULL, NULL, NULL));
        callback(context, ps_seg_word(segment), first, last, probability);
    }
    return 0;
}
