#include "nearest_dot.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <stdbool.h>
#endif

int32_t
nearest_dot_plain(const int8_t *a, const int8_t *b, size_t dims)
{
	int32_t sum = 0;
	for (size_t i = 0; i < dims; i++)
		sum += a[i] * b[i];
	return sum;
}

#if defined(__x86_64__)
/* The instruction multiplies unsigned bytes by signed ones, and adds pairs in 16 bits: |a| by b with the sign of a is the
 * same product, and two of them are at most 2 * 127 * 127. */
__attribute__((target("avx2"), always_inline)) static inline __m256i
dot_lanes(const int8_t *a, const int8_t *b, size_t dims)
{
	const __m256i ones = _mm256_set1_epi16(1);
	__m256i sum = _mm256_setzero_si256();
	for (size_t i = 0; i < dims; i += 32) {
		__m256i x = _mm256_loadu_si256((const __m256i *)(const void *)(a + i));
		__m256i y = _mm256_loadu_si256((const __m256i *)(const void *)(b + i));
		__m256i pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(x), _mm256_sign_epi8(y, x));
		sum = _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, ones));
	}
	return sum;
}

__attribute__((target("avx2"))) static int32_t
dot_avx2(const int8_t *a, const int8_t *b, size_t dims)
{
	__m256i sum = dims == 128 ? dot_lanes(a, b, 128) : dot_lanes(a, b, dims);
	__m128i four = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
	four = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0x4e));
	return _mm_cvtsi128_si32(_mm_add_epi32(four, _mm_shuffle_epi32(four, 0xb1)));
}

/* Eight rows at a time, so that adding up within a vector is shared. */
__attribute__((target("avx2"), always_inline)) static inline __m256
eight_scores(const int8_t *q, const int8_t *rows, const float *scales, size_t dims)
{
	__m256i s[8];
	for (size_t i = 0; i < 8; i++)
		s[i] = dot_lanes(q, rows + i * dims, dims);
	__m256i a = _mm256_hadd_epi32(_mm256_hadd_epi32(s[0], s[1]), _mm256_hadd_epi32(s[2], s[3]));
	__m256i b = _mm256_hadd_epi32(_mm256_hadd_epi32(s[4], s[5]), _mm256_hadd_epi32(s[6], s[7]));
	__m256i sums =
	    _mm256_add_epi32(_mm256_permute2x128_si256(a, b, 0x20), _mm256_permute2x128_si256(a, b, 0x31));
	return _mm256_mul_ps(_mm256_cvtepi32_ps(sums), _mm256_loadu_ps(scales));
}

__attribute__((target("avx2"))) static float
scores_avx2(const int8_t *q, const int8_t *rows, const float *scales, size_t n, size_t dims, float *out)
{
	size_t i = 0;
	__m256 most = _mm256_set1_ps(-__builtin_inff());
	for (; i + 8 <= n; i += 8) {
		__m256 scores = dims == 128 ? eight_scores(q, rows + i * 128, scales + i, 128)
					    : eight_scores(q, rows + i * dims, scales + i, dims);
		_mm256_storeu_ps(out + i, scores);
		most = _mm256_max_ps(most, scores);
	}
	float lanes[8], max = -__builtin_inff();
	_mm256_storeu_ps(lanes, most);
	for (size_t k = 0; k < 8; k++)
		max = lanes[k] > max ? lanes[k] : max;
	for (; i < n; i++) {
		out[i] = (float)dot_avx2(q, rows + i * dims, dims) * scales[i];
		max = out[i] > max ? out[i] : max;
	}
	return max;
}

static bool
has_avx2(void)
{
	return __builtin_cpu_supports("avx2") != 0;
}
#endif

int32_t
nearest_dot(const int8_t *a, const int8_t *b, size_t dims)
{
#if defined(__x86_64__)
	if (has_avx2())
		return dot_avx2(a, b, dims);
#endif
	return nearest_dot_plain(a, b, dims);
}

float
nearest_scores(const int8_t *q, const int8_t *rows, const float *scales, size_t n, size_t dims, float *out)
{
#if defined(__x86_64__)
	if (has_avx2())
		return scores_avx2(q, rows, scales, n, dims, out);
#endif
	float max = -__builtin_inff();
	for (size_t i = 0; i < n; i++) {
		out[i] = (float)nearest_dot_plain(q, rows + i * dims, dims) * scales[i];
		max = out[i] > max ? out[i] : max;
	}
	return max;
}
