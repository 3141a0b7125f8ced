#pragma once

#include <cstdint>

// Single passes over rows of F32 numbers, forwards and backwards, for kernels.cc. They work on the rows
// begin … end - 1. The compiler makes several versions of each for different processors, and the program
// takes the best one at run time.
namespace tessy::rows {

// y = x * scale * weight with scale = 1 / sqrt(mean(x^2) + epsilon), kept in scales[row].
void NormForward(const float* x, const float* weight, float* y, float* scales, int64_t begin, int64_t end,
                 int64_t width, float epsilon);
// Writes dx and adds to dweight.
void NormBackward(const float* dy, const float* x, const float* weight, const float* scales, float* dx,
                  float* dweight, int64_t begin, int64_t end, int64_t width);

// Rows of [batch, length, heads, width]; y and dy are [batch, heads, length, width].
struct Heads {
  int64_t length = 0;
  int64_t heads = 0;
  int64_t width = 0;
};
// The tables are [length, width / 2].
void NormAndRotateForward(const Heads& heads, const float* x, const float* weight, const float* cosines,
                          const float* sines, float* y, float* scales, int64_t begin, int64_t end,
                          float epsilon);
void NormAndRotateBackward(const Heads& heads, const float* dy, const float* x, const float* weight,
                           const float* scales, const float* cosines, const float* sines, float* dx,
                           float* dweight, int64_t begin, int64_t end);

// begin and end count elements, not rows.
void GatedSiluForward(const float* gate, const float* up, float* y, int64_t begin, int64_t end);
void GatedSiluBackward(const float* dy, const float* gate, const float* up, float* dgate, float* dup,
                       int64_t begin, int64_t end);

// Rows of [..., length, length], in place: scores become weights; row r sees the first r % length + 1, the
// others become 0.
void CausalSoftmaxForward(float* scores, int64_t begin, int64_t end, int64_t length, float scale);
// Turns the gradients of the weights into those of the scores.
void CausalSoftmaxBackward(const float* weights, float* gradients, int64_t begin, int64_t end, int64_t length,
                           float scale);

// One step of AdamW (Loshchilov, Hutter, "Decoupled weight decay regularization", arXiv 1711.05101,
// algorithm 2, in PyTorch's order of operations). begin and end count elements.
struct AdamWStep {
  float rate, beta1, beta2, epsilon, decay;   // decay: 1 - rate * weight decay
  float gradient_scale;                       // the factor of clipping
  float first_correction, second_correction;  // 1 - beta1^step, sqrt(1 - beta2^step)
};
void AdamW(const AdamWStep& step, float* values, const float* gradients, float* first, float* second,
           int64_t begin, int64_t end);

}  // namespace tessy::rows
