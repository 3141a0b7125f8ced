#include "train/torch/row_kernels.h"

#include <cmath>
#include <vector>

// This file is compiled with relaxed floating point, so that sums and exp() use whole vectors. No value here
// is infinite: rows are bounded, not masked.
#if defined(__x86_64__) && !defined(TESSY_SANITIZED)
// (Sanitizers do not work with functions that are chosen while the program is loaded.)
#define TESSY_VERSIONS __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define TESSY_VERSIONS
#endif

namespace tessy::rows {

TESSY_VERSIONS
void NormForward(const float* x, const float* weight, float* y, float* scales, int64_t begin, int64_t end,
                 int64_t width, float epsilon) {
  for (int64_t row = begin; row < end; ++row) {
    const float* in = x + row * width;
    float* out = y + row * width;
    float sum = 0.0F;
    for (int64_t i = 0; i < width; ++i) sum += in[i] * in[i];
    const float scale = 1.0F / std::sqrt(sum / static_cast<float>(width) + epsilon);
    scales[row] = scale;
    for (int64_t i = 0; i < width; ++i) out[i] = in[i] * scale * weight[i];
  }
}

TESSY_VERSIONS
void NormBackward(const float* dy, const float* x, const float* weight, const float* scales, float* dx,
                  float* dweight, int64_t begin, int64_t end, int64_t width) {
  for (int64_t row = begin; row < end; ++row) {
    const float* in = x + row * width;
    const float* g = dy + row * width;
    float* out = dx + row * width;
    const float scale = scales[row];
    float sum = 0.0F;
    for (int64_t i = 0; i < width; ++i) {
      sum += g[i] * weight[i] * in[i];
      dweight[i] += g[i] * in[i] * scale;
    }
    const float slope = sum * scale * scale / static_cast<float>(width);
    for (int64_t i = 0; i < width; ++i) out[i] = scale * (g[i] * weight[i] - in[i] * slope);
  }
}

TESSY_VERSIONS
void NormAndRotateForward(const Heads& heads, const float* x, const float* weight, const float* cosines,
                          const float* sines, float* y, float* scales, int64_t begin, int64_t end,
                          float epsilon) {
  const int64_t half = heads.width / 2;
  for (int64_t row = begin; row < end; ++row) {
    const int64_t head = row % heads.heads;
    const int64_t position = row / heads.heads % heads.length;
    const int64_t batch = row / heads.heads / heads.length;
    const float* in = x + row * heads.width;
    float* out = y + ((batch * heads.heads + head) * heads.length + position) * heads.width;
    const float* cosine = cosines + position * half;
    const float* sine = sines + position * half;
    float sum = 0.0F;
    for (int64_t i = 0; i < heads.width; ++i) sum += in[i] * in[i];
    const float scale = 1.0F / std::sqrt(sum / static_cast<float>(heads.width) + epsilon);
    scales[row] = scale;
    for (int64_t i = 0; i < half; ++i) {
      const float a = in[i] * scale * weight[i];
      const float b = in[i + half] * scale * weight[i + half];
      out[i] = a * cosine[i] - b * sine[i];
      out[i + half] = b * cosine[i] + a * sine[i];
    }
  }
}

TESSY_VERSIONS
void NormAndRotateBackward(const Heads& heads, const float* dy, const float* x, const float* weight,
                           const float* scales, const float* cosines, const float* sines, float* dx,
                           float* dweight, int64_t begin, int64_t end) {
  const int64_t half = heads.width / 2;
  std::vector<float> unrotated(static_cast<size_t>(heads.width));
  float* g = unrotated.data();
  for (int64_t row = begin; row < end; ++row) {
    const int64_t head = row % heads.heads;
    const int64_t position = row / heads.heads % heads.length;
    const int64_t batch = row / heads.heads / heads.length;
    const float* in = x + row * heads.width;
    const float* up = dy + ((batch * heads.heads + head) * heads.length + position) * heads.width;
    float* out = dx + row * heads.width;
    const float* cosine = cosines + position * half;
    const float* sine = sines + position * half;
    const float scale = scales[row];
    for (int64_t i = 0; i < half; ++i) {
      g[i] = up[i] * cosine[i] + up[i + half] * sine[i];
      g[i + half] = up[i + half] * cosine[i] - up[i] * sine[i];
    }
    float sum = 0.0F;
    for (int64_t i = 0; i < heads.width; ++i) {
      sum += g[i] * weight[i] * in[i];
      dweight[i] += g[i] * in[i] * scale;
    }
    const float slope = sum * scale * scale / static_cast<float>(heads.width);
    for (int64_t i = 0; i < heads.width; ++i) out[i] = scale * (g[i] * weight[i] - in[i] * slope);
  }
}

TESSY_VERSIONS
void GatedSiluForward(const float* gate, const float* up, float* y, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; ++i) y[i] = gate[i] / (1.0F + std::exp(-gate[i])) * up[i];
}

TESSY_VERSIONS
void GatedSiluBackward(const float* dy, const float* gate, const float* up, float* dgate, float* dup,
                       int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; ++i) {
    const float sigmoid = 1.0F / (1.0F + std::exp(-gate[i]));
    dup[i] = dy[i] * gate[i] * sigmoid;
    dgate[i] = dy[i] * up[i] * sigmoid * (1.0F + gate[i] * (1.0F - sigmoid));
  }
}

TESSY_VERSIONS
void CausalSoftmaxForward(float* scores, int64_t begin, int64_t end, int64_t length, float scale) {
  for (int64_t row = begin; row < end; ++row) {
    float* s = scores + row * length;
    const int64_t seen = row % length + 1;
    float top = s[0];
    for (int64_t i = 1; i < seen; ++i) top = s[i] > top ? s[i] : top;
    float sum = 0.0F;
    for (int64_t i = 0; i < seen; ++i) {
      s[i] = std::exp((s[i] - top) * scale);
      sum += s[i];
    }
    const float inverse = 1.0F / sum;
    for (int64_t i = 0; i < seen; ++i) s[i] *= inverse;
    for (int64_t i = seen; i < length; ++i) s[i] = 0.0F;
  }
}

TESSY_VERSIONS
void CausalSoftmaxBackward(const float* weights, float* gradients, int64_t begin, int64_t end, int64_t length,
                           float scale) {
  for (int64_t row = begin; row < end; ++row) {
    const float* w = weights + row * length;
    float* g = gradients + row * length;
    const int64_t seen = row % length + 1;
    float sum = 0.0F;
    for (int64_t i = 0; i < seen; ++i) sum += w[i] * g[i];
    for (int64_t i = 0; i < seen; ++i) g[i] = w[i] * (g[i] - sum) * scale;
    for (int64_t i = seen; i < length; ++i) g[i] = 0.0F;
  }
}

TESSY_VERSIONS
void AdamW(const AdamWStep& step, float* values, const float* gradients, float* first, float* second,
           int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; ++i) {
    const float g = gradients[i] * step.gradient_scale;
    first[i] = step.beta1 * first[i] + (1.0F - step.beta1) * g;
    second[i] = step.beta2 * second[i] + (1.0F - step.beta2) * g * g;
    const float size = std::sqrt(second[i]) / step.second_correction + step.epsilon;
    values[i] = values[i] * step.decay - step.rate / step.first_correction * first[i] / size;
  }
}

}  // namespace tessy::rows
