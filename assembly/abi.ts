// The contract between the two languages: op codes, function codes, the arena header, alignment.
// Read by asc (assembly/) and by tsc and esbuild (src/), so it holds bare integer constants only.
//
// Program: a list of instructions, each a list of 32-bit words:
//   word 0      op code | word count << 16 (the count includes word 0); in the arena, the
//               engine has put the kernel's function table index in place of the op code
//   word 1...   operands: byte offsets, sizes, flags, f32 immediates (bit pattern), f64 immediates (two words)
// A kernel is called with the address of word 1.

/**
 * Of this contract: what is in this file, what modules import and export, the operand words of every kernel. To be raised
 * by every release that changes any of it: binaries may be hosted apart from the library.
 */
export const ABI_VERSION = 2

/** Every region and buffer starts at a multiple of this (one cache line), bytes. */
export const ALIGNMENT = 64

/** First address that an arena may use: a page behind what threads share (JOB_*), for the reason of SCRATCH_GAP. */
export const ARENA_START = 4096

// ---- arena header: what changes from step to step (byte offsets from the arena's start) -----------
export const HEADER_PROGRAM = 0 // u32 address of the first instruction
export const HEADER_FORWARD_END = 4 // u32 address past the forward phase
export const HEADER_BACKWARD_END = 8 // u32 address past the backward phase
export const HEADER_STEP_END = 12 // u32 address past the update phase
export const HEADER_STEP_COUNT = 16 // f64 optimizer steps done: whole, up to 2^53
export const HEADER_MOMENTUM_PRODUCT = 24 // f64 nadam: product of all mu_t so far
export const HEADER_RANDOM_COUNTER = 32 // i64 advances with every training batch: dropout and noise draw anew
export const HEADER_MATMUL = 40 // u32 function table index of the core's matmul, for kernels of other modules
export const HEADER_FACTOR = 44 // f32 of OP_ACCUMULATE: the weight of a step's gradients, or the sum of these weights
export const HEADER_LEARNING_RATE = 48 // f32 of the coming step
export const HEADER_LOSS = 52 // u32 address of the loss that stops a step before its update if it isn't finite; 0: none
export const HEADER_BYTES = 64

// ---- threads: what they agree on, in low memory that no module uses (absolute addresses; see parallel.ts) ----------
// Three cache lines: what helpers look at, what the first thread waits for, what changes seldom.
/**
 * i32: count of jobs << JOB_COUNT_SHIFT | team << JOB_TEAM_SHIFT | parts << JOB_PARTS_SHIFT | the next part to be taken.
 * A team has the modules that have been sent to helpers in so many messages; its number has 5 bits.
 */
export const JOB_TURN = 256
export const JOB_PARTS_SHIFT = 8
export const JOB_TEAM_SHIFT = 16
export const JOB_COUNT_SHIFT = 21
export const JOB_KERNEL = 260 // u32 function table index of what runs a part, and what it is told
export const JOB_OPERANDS = 264 // u32
export const JOB_ITEMS = 268 // i32
export const JOB_UNIT = 272 // i32
export const JOB_DONE = 320 // i32 parts that helpers have done; JOB_LOST and more: one of them failed, or never answered
export const JOB_LOST = 0x40000000
export const JOB_IS_AWAITED = 324 // i32: the first thread sleeps until JOB_DONE changes
export const JOB_HELPERS = 384 // i32 team << JOB_PARTS_SHIFT | its helpers that have arrived
export const JOB_SLEEPERS = 388 // i32 helpers that sleep until the next job
export const JOB_ARENA = 392 // u32 address of the arena's header
export const JOB_SCRATCH = 396 // u32 address of a matmul's scratch for each part, MATMUL_SCRATCH_BYTES each; 0: the planned one
export const JOB_UNARY = 400 // u32 function table index of the core's applyUnary, for the relaxed matmul
export const JOB_SPLIT = 404 // u32 that of the core's splitWork, for all modules
export const JOB_LEAST_WORK = 408 // f64 multiply-adds from which a job pays; infinity for one thread
export const JOB_IS_RUNNING = 416 // u32
export const JOB_PART_SCRATCH = 420 // u32 address of what scratchOf hands out, 0: what is planned, and
export const JOB_PART_SCRATCH_BYTES = 424 // u32 its size for one part
export const JOB_PATIENCE = 428 // i32 seconds without a part done after which the first thread waits no longer
/**
 * Bytes around each part's scratch. A processor fetches ahead of what a thread reads: were that the lines another thread
 * writes, both would wait for them (a matmul over two threads took 10 to 25 % longer). It stays within a page.
 */
export const SCRATCH_GAP = 4096
export const JOB_SUMS = 448 // f64 of each of JOB_SUM_COUNT ranges of a sum, cut the same for any number of threads
export const JOB_SUM_COUNT = 16

// ---- op codes -------------------------------------------------------------------------------------
// Each module of kernels has the codes from its first one on, in the order of the list in its entry file
// (assembly/program.ts for the core, assembly/modules/). All modules share one memory and one function table; the
// engine loads a module when a plan first needs one of its kernels.
export const OP_UNARY = 1
export const OP_UNARY_GRAD = 2
export const OP_BINARY = 3
export const OP_REDUCE = 4
export const OP_COPY = 5
export const OP_SOFTMAX = 6
export const OP_SOFTMAX_GRAD = 7
export const OP_LOSS = 8
export const OP_LOSS_GRAD = 9
export const OP_PENALTY = 10
export const OP_PENALTY_GRAD = 11
export const OP_METRIC = 12
export const OP_CLIP_VALUE = 13
export const OP_CLIP_NORM = 14
export const OP_UPDATE = 15
export const OP_MATMUL = 16
export const OP_CORE_END = 17 // first code behind the core's

// module random
export const OP_RANDOM = 64
export const OP_DROPOUT = 65
export const OP_RANDOM_END = 66

// module normalize
export const OP_LAYER_NORMALIZE = 112
export const OP_LAYER_NORMALIZE_GRAD = 113
export const OP_CHANNEL_NORMALIZE = 114
export const OP_CHANNEL_NORMALIZE_GRAD = 115
export const OP_ENCODE_CATEGORIES = 116
export const OP_NORMALIZE_END = 117

// module pooling
export const OP_MAX_POOL = 96
export const OP_MAX_POOL_GRAD = 97
export const OP_AVERAGE_POOL = 98
export const OP_AVERAGE_POOL_GRAD = 99
export const OP_RESIZE = 100
export const OP_RESIZE_GRAD = 101
export const OP_POOLING_END = 102

// module attention
export const OP_GATHER = 144
export const OP_GATHER_GRAD = 145
export const OP_NON_ZERO = 146
export const OP_ATTENTION = 147
export const OP_ATTENTION_GRAD = 148
export const OP_BATCH_MATMUL = 149
export const OP_ATTENTION_END = 150

// module convolution
export const OP_CONV = 80
export const OP_CONV_INPUT_GRAD = 81
export const OP_CONV_WEIGHT_GRAD = 82
export const OP_DEPTHWISE = 83
export const OP_DEPTHWISE_INPUT_GRAD = 84
export const OP_DEPTHWISE_WEIGHT_GRAD = 85
export const OP_CONVOLUTION_END = 86

// module training: instructions of the update phase (src/plan/update.ts)
export const OP_CONSTRAIN = 160
export const OP_EMA = 161
export const OP_ACCUMULATE = 162
export const OP_TRAINING_END = 163

// module recurrent
export const OP_LSTM = 128
export const OP_LSTM_GRAD = 129
export const OP_GRU = 130 // reset gate behind the recurrent product
export const OP_GRU_GRAD = 131
export const OP_GRU_BEFORE = 132 // reset gate before it
export const OP_GRU_BEFORE_GRAD = 133
export const OP_SIMPLE_RNN = 134
export const OP_SIMPLE_RNN_GRAD = 135
export const OP_REVERSE = 136
export const OP_RECURRENT_END = 137

// ---- kinds of random numbers (OP_RANDOM, OP_DROPOUT) ----------------------------------------------------------
export const RANDOM_UNIFORM = 0 // in [0, 1)
export const RANDOM_BERNOULLI = 1 // param: p; 1 / (1 - p) with probability 1 - p, else 0
export const RANDOM_NORMAL = 2 // mean 0, standard deviation param

// ---- flags of the recurrent kernels ---------------------------------------------------------------
export const RECURRENT_SEQUENCE = 1 // y is the state after every step, else after the last one
export const RECURRENT_REVERSE = 2 // steps are read from the end
export const RECURRENT_STATE = 4 // the gradient of the initial state is wanted

// ---- unary functions (OP_UNARY, OP_UNARY_GRAD, the matmul epilogue) -------------------------------
export const FN_LINEAR = 0
export const FN_RELU = 1
export const FN_RELU6 = 2
export const FN_LEAKY_RELU = 3
export const FN_ELU = 4
export const FN_CELU = 5
export const FN_SELU = 6
export const FN_GELU = 7
export const FN_GELU_TANH = 8
export const FN_SILU = 9
export const FN_SIGMOID = 10
export const FN_LOG_SIGMOID = 11
export const FN_TANH = 12
export const FN_SOFTPLUS = 13
export const FN_SOFTSIGN = 14
export const FN_HARD_SIGMOID = 15
export const FN_HARD_SWISH = 16
export const FN_HARD_TANH = 17
export const FN_MISH = 18
export const FN_EXP = 19
export const FN_SQUARE = 20
export const FN_NEGATE = 21
export const FN_ABS = 22
export const FN_SIGN = 23
export const FN_LOG = 24
export const FN_SQRT = 25
export const FN_RECIPROCAL = 26
export const FN_ERF = 27
export const FN_COUNT = 28

// ---- binary functions (OP_BINARY) -----------------------------------------------------------------
export const BINARY_ADD = 0
export const BINARY_SUBTRACT = 1
export const BINARY_MULTIPLY = 2
export const BINARY_DIVIDE = 3
export const BINARY_MAXIMUM = 4
export const BINARY_MINIMUM = 5
export const BINARY_GREATER = 6 // a > b ? 1 : 0
export const BINARY_GREATER_EQUAL = 7
export const BINARY_EQUAL = 8

// ---- reductions (OP_REDUCE) -----------------------------------------------------------------------
export const REDUCE_SUM = 0
export const REDUCE_MAX = 1
export const REDUCE_MIN = 2

// ---- matmul flags ---------------------------------------------------------------------------------
export const MATMUL_TRANSPOSE_A = 1 // A is stored [K, M]
export const MATMUL_TRANSPOSE_B = 2 // B is stored [N, K]
export const MATMUL_ACCUMULATE = 4 // C += A.B instead of C = A.B
export const MATMUL_ROWS = 8 // A is a list of rows (see kernels/gemm.ts)
export const MATMUL_LONG = 16 // K is above LONG_DEPTH; one word more (see kernels/gemm.ts)
export const MATMUL_PART_SHIFT = 8 // above: the part of a job that a kernel calls it from, whose scratch it takes

// ---- losses (OP_LOSS, OP_LOSS_GRAD): the first nine are per element, the others per row ------------
export const LOSS_MSE = 0
export const LOSS_MAE = 1
export const LOSS_HUBER = 2 // param: delta
export const LOSS_LOG_COSH = 3
export const LOSS_POISSON = 4
export const LOSS_HINGE = 5
export const LOSS_SQUARED_HINGE = 6
export const LOSS_BCE = 7 // prediction is a probability
export const LOSS_BCE_LOGITS = 8
export const LOSS_FIRST_ROW = 9
export const LOSS_CCE = 9 // param: label smoothing
export const LOSS_CCE_LOGITS = 10
export const LOSS_SPARSE_CCE = 11 // targets are int32 class ids
export const LOSS_SPARSE_CCE_LOGITS = 12
export const LOSS_KL_DIVERGENCE = 13
export const LOSS_CATEGORICAL_HINGE = 14
export const LOSS_COSINE_SIMILARITY = 15

export const LOSS_MEAN = 1 // flag: divide by the number of terms
export const LOSS_IGNORE_INDEX = 2 // flag: rows whose class id is the ignored one leave sum and count

// ---- metrics (OP_METRIC): two results, a weighted sum over rows (or elements) and the sum of the weights ---
export const METRIC_CATEGORICAL_ACCURACY = 0 // argmax(prediction) == argmax(target)
export const METRIC_SPARSE_ACCURACY = 1 // argmax(prediction) == class id
export const METRIC_BINARY_ACCURACY = 2 // (prediction > param) == (target > 0.5)
export const METRIC_ROWS = 3 // nothing: for the weights' sum alone

// ---- optimizers (OP_UPDATE) -----------------------------------------------------------------------
export const OPTIMIZER_SGD = 0
export const OPTIMIZER_RMSPROP = 1
export const OPTIMIZER_ADAGRAD = 2
export const OPTIMIZER_ADADELTA = 3
export const OPTIMIZER_ADAM = 4
export const OPTIMIZER_NADAM = 5
export const OPTIMIZER_RADAM = 6
export const OPTIMIZER_ADAMAX = 7
export const OPTIMIZER_LION = 8

export const UPDATE_NESTEROV = 1
export const UPDATE_CENTERED = 2
export const UPDATE_AMSGRAD = 4
export const UPDATE_DECOUPLED = 8 // adamw: weight decay multiplies the parameter, the gradient stays

// ---- matmul blocking (see kernels/gemm.ts; the planner sizes the scratch buffer from these) -------
export const TILE_ROWS = 4 // rows of C held in registers
export const TILE_COLS = 8 // columns of C held in registers (two v128)
export const BLOCK_ROWS = 256 // rows of A per block: 256 x 256 floats stay in L2
export const BLOCK_DEPTH = 256 // depth per block: a packed panel of B, 256 x 8 floats, stays in L1
export const CHAIN_DEPTH = 128 // additions in one go; then their sum is added to what is there
export const LONG_DEPTH = 4096 // depth from which on a sum is one of the sums of ranges so deep, added without loss
export const EDGE_BYTES = 192 // in front of a matmul's scratch: a tile of C of up to 6 rows
export const ROWS_SPARE = 5 // entries at the end of a list of rows, for a tile of one row
export const ROWS_BYTES = 1152 // behind it, twice: a list of BLOCK_ROWS + ROWS_SPARE rows, and 64 bytes
export const MATMUL_SCRATCH_BYTES = 281024 // the most a matmul needs: these, 256 x 8 and 264 x 256 floats
