// The contract between the two languages: op codes, function codes, the arena header, alignment.
// Read by asc (assembly/) and by tsc and esbuild (src/), so it holds bare integer constants only.
//
// Program: a list of instructions, each a list of 32-bit words:
//   word 0      op code | word count << 16 (the count includes word 0); in the arena, the
//               engine has put the kernel's function table index in place of the op code
//   word 1...   operands: byte offsets, sizes, flags, f32 immediates (bit pattern), f64 immediates (two words)
// A kernel is called with the address of word 1.

/**
 * The version of this contract: what is in this file, what modules import and export, the operand words of every kernel. To be
 * raised by every release that changes any of it: binaries may be hosted apart from the library.
 */
export const ABI_VERSION = 8

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
export const JOB_SPLIT = 404 // u32 that of the core's runWhole, or of splitWork of module threads, for all modules
export const JOB_LEAST_WORK = 408 // f64 multiply-adds from which a job pays; infinity for one thread
export const JOB_IS_RUNNING = 416 // u32
export const JOB_PART_SCRATCH = 420 // u32 address of what scratchOf hands out, 0: what is planned, and
export const JOB_PART_SCRATCH_BYTES = 424 // u32 its size for one part
export const JOB_PATIENCE = 428 // i32 seconds without a part done after which the first thread waits no longer
export const JOB_ENTER = 432 // u32 function table index of the core's enter, for helpers
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
export const OP_REDUCE = 3
export const OP_SOFTMAX = 4
export const OP_LOSS = 5
export const OP_LOSS_GRAD = 6
export const OP_UPDATE = 7
export const OP_MATMUL = 8
export const OP_CORE_END = 9 // first code behind the core's

// module extras: the places of its functions in the function table, from the module's tableBase (asconfig.json) on. The first two
// are no instructions: kernels of the core call them.
export const RARE_LOSS = 464
export const RARE_LOSS_GRAD = 465
export const OP_PENALTY = 466
export const OP_PENALTY_GRAD = 467
export const OP_METRIC = 468
export const OP_CLIP_VALUE = 469
export const OP_CLIP_NORM = 470
export const OP_CONVERT = 471
export const OP_BINARY = 472
export const OP_COPY = 473
export const OP_SOFTMAX_GRAD = 474
export const OP_RMSPROP = 475
export const OP_EXTRAS_END = 476

// module threads: no instruction has it
export const SPLIT_WORK = 496
export const THREADS_END = 497

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
export const OP_SCALE_SHIFT = 117
export const OP_NORMALIZE_END = 118

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

// module optimizers
export const OP_RARE_UPDATE = 176
export const OP_OPTIMIZERS_END = 177

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
// the functions of the core
export const FN_LINEAR = 0
export const FN_RELU = 1
export const FN_LEAKY_RELU = 2
export const FN_SIGMOID = 3
export const FN_TANH = 4
export const FN_NEGATE = 5
export const FN_CORE_END = 6

// module functions: the places of their loops in the function table, from the module's tableBase (asconfig.json) on
export const FN_RELU6 = 384
export const FN_ELU = 385
export const FN_CELU = 386
export const FN_SELU = 387
export const FN_GELU = 388
export const FN_GELU_TANH = 389
export const FN_SILU = 390
export const FN_LOG_SIGMOID = 391
export const FN_SOFTPLUS = 392
export const FN_SOFTSIGN = 393
export const FN_HARD_SIGMOID = 394
export const FN_HARD_SWISH = 395
export const FN_HARD_TANH = 396
export const FN_MISH = 397
export const FN_EXP = 398
export const FN_SQUARE = 399
export const FN_GRADIENTS = 16 // from the place of a function to the place of its gradient
export const FN_END = 416

// module mathematics: what the core's OP_REDUCE calls for maxima and minima, then the functions that are no activations, and their
// gradients. The codes are places in the function table, from the module's tableBase on.
export const EXTREMES = 416
export const FN_ABS = 417
export const FN_SIGN = 418
export const FN_LOG = 419
export const FN_SQRT = 420
export const FN_RECIPROCAL = 421
export const FN_ERF = 422
export const MATHEMATICS_GRADIENTS = 6 // from the place of a function to the place of its gradient
export const MATHEMATICS_END = 429

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
export const MATMUL_COPY_A = 32 // blocks of A are copied: its rows lie so that they take each other's places in the caches
export const MATMUL_ADD_COLUMNS = 64 // of a small product: the sums of B's columns as well; one word more
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

// ---- optimizers: up to OPTIMIZER_RADAM those of OP_UPDATE, then those of OP_RARE_UPDATE; OP_RMSPROP has one alone ------
export const OPTIMIZER_SGD = 0
export const OPTIMIZER_ADAM = 1
export const OPTIMIZER_RADAM = 2
export const OPTIMIZER_ADAGRAD = 3
export const OPTIMIZER_ADADELTA = 4
export const OPTIMIZER_NADAM = 5
export const OPTIMIZER_ADAMAX = 6
export const OPTIMIZER_LION = 7

export const UPDATE_NESTEROV = 1
export const UPDATE_CENTERED = 2
export const UPDATE_AMSGRAD = 4
export const UPDATE_DECOUPLED = 8 // adamw: weight decay multiplies the parameter, the gradient stays
export const UPDATE_UNFINISHED = 16 // nadam: more pieces of the same step follow, which need the product as it is
export const UPDATE_SCALED = 32 // UPDATE_RATE is there, a factor of the learning rate

// ---- matmul blocking (see kernels/gemm.ts; the planner sizes the scratch buffer from these) -------
export const TILE_ROWS = 4 // rows of C held in registers
export const TILE_COLS = 8 // columns of C held in registers (two v128)
export const BLOCK_ROWS = 256 // rows of A per block: 256 x 256 floats stay in L2
export const BLOCK_DEPTH = 256 // depth per block: a packed panel of B, 256 x 8 floats, stays in L1
export const CHAIN_DEPTH = 128 // additions in one go; then their sum is added to what is there
export const MATMUL_SMALL_WORK = 256 // multiply-adds up to which a product costs less row by row than its packing would
export const LONG_DEPTH = 4096 // depth from which on a sum is one of the sums of ranges so deep, added without loss
export const EDGE_BYTES = 128 // in front of a matmul's scratch: a tile of C
export const ROWS_SPARE = 5 // entries at the end of a list of rows, for a tile of one row
export const ROWS_BYTES = 1152 // behind it, twice: a list of BLOCK_ROWS + ROWS_SPARE rows, and 64 bytes
export const MATMUL_SCRATCH_BYTES = 280960 // the most a matmul needs: these, 256 x 8 and 264 x 256 floats

// ---- operands: byte offsets from word 1 of an instruction ---------------------------------------------------------
// Addresses where nothing else is said: of a buffer in the memory, bytes. Sizes count elements.
// FN: FN_*; ALPHA: f32
export const UNARY_DST = 0, UNARY_SRC = 4, UNARY_COUNT = 8, UNARY_FN = 12, UNARY_ALPHA = 16
// dx may be dy; FN: FN_* of the core, else the place of the function's gradient
export const UNARY_GRAD_DX = 0, UNARY_GRAD_DY = 4, UNARY_GRAD_SAVED = 8, UNARY_GRAD_COUNT = 12, UNARY_GRAD_FN = 16,
  UNARY_GRAD_ALPHA = 20
// from the word WALK on: how two arrays are walked; size and strides (in elements) of the inner axis, the number of steps of
// the outer ones, how many axes these are, and from AXES on three words for each: its size and strides
export const WALK_INNER = 0, WALK_FIRST_STEP = 4, WALK_SECOND_STEP = 8, WALK_OUTER = 12, WALK_RANK = 16, WALK_AXES = 20
export const WALK_AXIS_BYTES = 12, WALK_AXIS_SIZE = 0, WALK_AXIS_FIRST = 4, WALK_AXIS_SECOND = 8
// FN: BINARY_*; WALK: the words of WALK_*, of a and b
export const BINARY_DST = 0, BINARY_A = 4, BINARY_B = 8, BINARY_FN = 12, BINARY_WALK = 16
// FN: REDUCE_*; SCALE: f32; RANGES: scratch of long sums [outer, reduced / LONG_DEPTH, inner]
export const REDUCE_DST = 0, REDUCE_SRC = 4, REDUCE_OUTER = 8, REDUCE_REDUCED = 12, REDUCE_INNER = 16,
  REDUCE_FN = 20, REDUCE_SCALE = 24, REDUCE_RANGES = 28
// WALK: the words of WALK_*, of dst and src
export const COPY_DST = 0, COPY_SRC = 4, COPY_WALK = 8
export const SOFTMAX_DST = 0, SOFTMAX_SRC = 4, SOFTMAX_ROWS = 8, SOFTMAX_COLS = 12, SOFTMAX_IS_LOG = 16
export const SOFTMAX_GRAD_DX = 0, SOFTMAX_GRAD_DY = 4, SOFTMAX_GRAD_Y = 8, SOFTMAX_GRAD_ROWS = 12,
  SOFTMAX_GRAD_COLS = 16, SOFTMAX_GRAD_IS_LOG = 20
// then the words of LOSS_TERMS_*
export const LOSS_DST = 0, LOSS_TERMS = 4
// SEED: address of a float that multiplies, 0: one; then the words of LOSS_TERMS_*
export const LOSS_GRAD_DST = 0, LOSS_GRAD_SEED = 4, LOSS_GRAD_TERMS = 8
// from the word TERMS on; WEIGHTS 0: none; KIND: LOSS_*; PARAM: f32, huber's delta or the label smoothing; SCALE: f32
export const LOSS_TERMS_PREDICTION = 0, LOSS_TERMS_TARGET = 4, LOSS_TERMS_WEIGHTS = 8, LOSS_TERMS_ROWS = 12,
  LOSS_TERMS_COLS = 16, LOSS_TERMS_ROWS_PER_WEIGHT = 20, LOSS_TERMS_KIND = 24, LOSS_TERMS_FLAGS = 28,
  LOSS_TERMS_PARAM = 32, LOSS_TERMS_SCALE = 36, LOSS_TERMS_IGNORE_INDEX = 40
// L1, L2: f32
export const PENALTY_DST = 0, PENALTY_W = 4, PENALTY_COUNT = 8, PENALTY_L1 = 12, PENALTY_L2 = 16
// SEED as of LOSS_GRAD; ADDS 1: to dw
export const PENALTY_GRAD_DW = 0, PENALTY_GRAD_SEED = 4, PENALTY_GRAD_W = 8, PENALTY_GRAD_COUNT = 12,
  PENALTY_GRAD_L1 = 16, PENALTY_GRAD_L2 = 20, PENALTY_GRAD_ADDS = 24
// KIND: METRIC_*; PARAM: f32, the threshold of a binary accuracy; IGNORES 1: rows whose class id is IGNORE_INDEX
// don't count
export const METRIC_DST = 0, METRIC_PREDICTION = 4, METRIC_TARGET = 8, METRIC_WEIGHTS = 12, METRIC_ROW_COUNT = 16,
  METRIC_COLS = 20, METRIC_ROWS_PER_WEIGHT = 24, METRIC_KIND = 28, METRIC_PARAM = 32, METRIC_IGNORES = 36,
  METRIC_IGNORE_INDEX = 40
// both ways to clip; LIMIT: f32
export const CLIP_GRADS = 0, CLIP_COUNT = 4, CLIP_LIMIT = 8
// KIND: OPTIMIZER_*; SLOT_BYTES from one slot to the next; FLAGS: UPDATE_*; from A on f64 constants
export const UPDATE_KIND = 0, UPDATE_P = 4, UPDATE_G = 8, UPDATE_SLOTS = 12, UPDATE_SLOT_BYTES = 16,
  UPDATE_COUNT = 20, UPDATE_FLAGS = 24, UPDATE_A = 28, UPDATE_B = 36, UPDATE_EPSILON = 44, UPDATE_DECAY = 52,
  UPDATE_MOMENTUM = 60, UPDATE_EXTRA = 68, UPDATE_RATE = 76
// BIAS 0: none; FN: FN_*; ALPHA: f32; OFFSETS and RUN with MATMUL_ROWS alone, SUMS with MATMUL_LONG or MATMUL_ADD_COLUMNS alone
export const MATMUL_C = 0, MATMUL_A = 4, MATMUL_B = 8, MATMUL_BIAS = 12, MATMUL_M = 16, MATMUL_N = 20, MATMUL_K = 24,
  MATMUL_FLAGS = 28, MATMUL_FN = 32, MATMUL_ALPHA = 36, MATMUL_SCRATCH = 40, MATMUL_OFFSETS = 44, MATMUL_RUN = 48,
  MATMUL_SUMS = 44
// KIND: RANDOM_*; PARAM: f32
export const DRAW_COUNT = 0, DRAW_KIND = 4, DRAW_PARAM = 8, DRAW_ARENA = 12, DRAW_SEED_LOW = 16, DRAW_SEED_HIGH = 20,
  DRAW_STREAM = 24
// then the words of DRAW_*
export const RANDOM_DST = 0, RANDOM_DRAW = 4
// then the words of DRAW_*
export const DROPOUT_DST = 0, DROPOUT_SRC = 4, DROPOUT_DRAW = 8
// MEAN 0: rms; GAMMA, BETA 0: none; EPSILON: f32
export const LAYER_NORMALIZE_Y = 0, LAYER_NORMALIZE_X = 4, LAYER_NORMALIZE_INVERSE = 8, LAYER_NORMALIZE_MEAN = 12,
  LAYER_NORMALIZE_GAMMA = 16, LAYER_NORMALIZE_BETA = 20, LAYER_NORMALIZE_ROWS = 24, LAYER_NORMALIZE_COLS = 28,
  LAYER_NORMALIZE_EPSILON = 32
// DGAMMA, DBETA 0: not wanted
export const LAYER_NORMALIZE_GRAD_DX = 0, LAYER_NORMALIZE_GRAD_DGAMMA = 4, LAYER_NORMALIZE_GRAD_DBETA = 8,
  LAYER_NORMALIZE_GRAD_DY = 12, LAYER_NORMALIZE_GRAD_X = 16, LAYER_NORMALIZE_GRAD_INVERSE = 20,
  LAYER_NORMALIZE_GRAD_MEAN = 24, LAYER_NORMALIZE_GRAD_GAMMA = 28, LAYER_NORMALIZE_GRAD_ROWS = 32,
  LAYER_NORMALIZE_GRAD_COLS = 36, LAYER_NORMALIZE_GRAD_SCRATCH = 40
// EPSILON: f32
export const CHANNEL_NORMALIZE_Y = 0, CHANNEL_NORMALIZE_X = 4, CHANNEL_NORMALIZE_MEAN = 8,
  CHANNEL_NORMALIZE_VARIANCE = 12, CHANNEL_NORMALIZE_REST = 16, CHANNEL_NORMALIZE_GAMMA = 20,
  CHANNEL_NORMALIZE_BETA = 24, CHANNEL_NORMALIZE_SAMPLES = 28, CHANNEL_NORMALIZE_CELLS = 32,
  CHANNEL_NORMALIZE_CHANNELS = 36, CHANNEL_NORMALIZE_GROUPS = 40, CHANNEL_NORMALIZE_EPSILON = 44,
  CHANNEL_NORMALIZE_SCRATCH = 48
export const CHANNEL_NORMALIZE_GRAD_DX = 0, CHANNEL_NORMALIZE_GRAD_DGAMMA = 4, CHANNEL_NORMALIZE_GRAD_DBETA = 8,
  CHANNEL_NORMALIZE_GRAD_DY = 12, CHANNEL_NORMALIZE_GRAD_X = 16, CHANNEL_NORMALIZE_GRAD_MEAN = 20,
  CHANNEL_NORMALIZE_GRAD_VARIANCE = 24, CHANNEL_NORMALIZE_GRAD_REST = 28, CHANNEL_NORMALIZE_GRAD_GAMMA = 32,
  CHANNEL_NORMALIZE_GRAD_SAMPLES = 36, CHANNEL_NORMALIZE_GRAD_CELLS = 40, CHANNEL_NORMALIZE_GRAD_CHANNELS = 44,
  CHANNEL_NORMALIZE_GRAD_GROUPS = 48, CHANNEL_NORMALIZE_GRAD_EPSILON = 52, CHANNEL_NORMALIZE_GRAD_SCRATCH = 56
export const CATEGORIES_DST = 0, CATEGORIES_IDS = 4, CATEGORIES_ROWS = 8, CATEGORIES_PER_ROW = 12,
  CATEGORIES_TOKENS = 16, CATEGORIES_IS_COUNT = 20
// FN: FN_*, ALPHA: f32
export const SCALE_SHIFT_Y = 0, SCALE_SHIFT_X = 4, SCALE_SHIFT_FACTOR = 8, SCALE_SHIFT_OFFSET = 12, SCALE_SHIFT_ROWS = 16,
  SCALE_SHIFT_COLS = 20, SCALE_SHIFT_FN = 24, SCALE_SHIFT_ALPHA = 28
export const CONVERT_DST = 0, CONVERT_SRC = 4, CONVERT_COUNT = 8
// forward: y, x, scratch; gradients: dx, dy, then x and y (maximum) or scratch; *_BYTES of a sample; PAIRS 1: windows
// are pairs
export const POOL_DST = 0, POOL_SRC = 4, POOL_THIRD = 8, POOL_FOURTH = 12, POOL_SAMPLES = 16, POOL_CHANNELS = 20,
  POOL_AXES = 24, POOL_INPUT_BYTES = 84, POOL_OUTPUT_BYTES = 88, POOL_PAIRS = 92
// five words for each of three axes, the first from POOL_AXES on
export const POOL_AXIS_BYTES = 20, POOL_AXIS_SIZE = 24, POOL_AXIS_OUTPUT = 28, POOL_AXIS_WINDOW = 32,
  POOL_AXIS_STRIDE = 36, POOL_AXIS_BEFORE = 40
export const RESIZE_DST = 0, RESIZE_SRC = 4, RESIZE_OUTER = 8, RESIZE_FROM = 12, RESIZE_TO = 16, RESIZE_INNER = 20,
  RESIZE_IS_LINEAR = 24, RESIZE_START = 28, RESIZE_STEP = 32, RESIZE_FULL = 36
// gradient: dst is the table's, src is dy; SCRATCH of the gradient alone
export const GATHER_DST = 0, GATHER_SRC = 4, GATHER_IDS = 8, GATHER_COUNT = 12, GATHER_ROWS = 16, GATHER_WIDTH = 20,
  GATHER_SCRATCH = 24
export const NON_ZERO_DST = 0, NON_ZERO_IDS = 4, NON_ZERO_COUNT = 8
// OUT: o, of the gradient do; DQ, DK, DV of the gradient alone; MASK, KEEP 0: none; SCALE: f32; PRODUCT: words of a
// matmul
export const ATTENTION_Q = 0, ATTENTION_K = 4, ATTENTION_V = 8, ATTENTION_MASK = 12, ATTENTION_KEEP = 16,
  ATTENTION_PROBABILITIES = 20, ATTENTION_BATCH = 24, ATTENTION_HEADS = 28, ATTENTION_QUERY_COUNT = 32,
  ATTENTION_KEY_COUNT = 36, ATTENTION_KEY_WIDTH = 40, ATTENTION_VALUE_WIDTH = 44, ATTENTION_CAUSAL = 48,
  ATTENTION_SCALE = 52, ATTENTION_ARENA = 56, ATTENTION_PRODUCT = 60, ATTENTION_BLOCK = 64, ATTENTION_SCRATCH = 68,
  ATTENTION_OUT = 72, ATTENTION_DQ = 76, ATTENTION_DK = 80, ATTENTION_DV = 84
export const BATCH_MATMUL_C = 0, BATCH_MATMUL_A = 4, BATCH_MATMUL_B = 8, BATCH_MATMUL_COUNT = 12,
  BATCH_MATMUL_M = 16, BATCH_MATMUL_N = 20, BATCH_MATMUL_K = 24, BATCH_MATMUL_FLAGS = 28, BATCH_MATMUL_ARENA = 32,
  BATCH_MATMUL_SCRATCH = 36
// y, x, w; dx, dy, w; dw, x, dy; PATCHES [block rows, K], or the padded copy of an image (0: none); KERNEL_PART
// [groups, K, F / groups] and ROWS_PART [rows of a block, F / groups] of several groups; PRODUCT: words of a matmul and its
// scratch; BLOCK: rows (dx), else samples, or -lines of one sample; ALPHA: f32; LIST of rows; OFFSETS and depth (RUN) of
// their runs; PART: flags of products; RANGES of samples, SUMS of all but the first, LONG sums: dw alone; TILED: 0, or 1 for
// winograd.ts, which says what it needs; with MATMUL_TRANSPOSE_B for dx
export const CONV_DST = 0, CONV_A = 4, CONV_B = 8, CONV_ARENA = 12, CONV_PATCHES = 16, CONV_KERNEL_PART = 20,
  CONV_ROWS_PART = 24, CONV_PRODUCT = 28, CONV_BLOCK = 32, CONV_SAMPLES = 36, CONV_C = 40, CONV_F = 44, CONV_GROUPS = 48,
  CONV_TAPS = 52, CONV_DEPTH = 56, CONV_HEIGHT = 80, CONV_WIDTH = 104, CONV_BIAS = 128, CONV_FN = 132, CONV_ALPHA = 136,
  CONV_LIST = 140, CONV_OFFSETS = 144, CONV_RUN = 148, CONV_SCRATCH = 152, CONV_PART = 156, CONV_RANGES = 160,
  CONV_SUMS = 164, CONV_LONG = 168, CONV_TILED = 172, CONV_WORDS_BYTES = 176
// six words from CONV_DEPTH, CONV_HEIGHT and CONV_WIDTH on, one axis behind the other
export const AXIS_SIZE = 0, AXIS_OUTPUT = 4, AXIS_KERNEL = 8, AXIS_STRIDE = 12, AXIS_DILATION = 16, AXIS_BEFORE = 20
// forward | backward, 0: none. XZ | dy; U: recurrent kernel [u, width u]; U2: that of the second product [u, u];
// BIAS of the recurrent product [width u] | dhz [B, T, width u], its gradient, where it isn't dxz; H0, C0: initial state |
// gradient of the last one; Y | dxz; H, C | dh, dc, which become those of the initial state; BEFORE: h before each step;
// SAVED: c before each step, or what else the cell keeps
export const RECURRENT_XZ = 0, RECURRENT_U = 4, RECURRENT_U2 = 8, RECURRENT_BIAS = 12, RECURRENT_MASK = 16,
  RECURRENT_H0 = 20, RECURRENT_C0 = 24, RECURRENT_Y = 28, RECURRENT_H = 32, RECURRENT_C = 36, RECURRENT_GATES = 40,
  RECURRENT_BEFORE = 44, RECURRENT_SAVED = 48, RECURRENT_BATCH = 52, RECURRENT_STEPS = 56, RECURRENT_UNITS = 60,
  RECURRENT_FLAGS = 64, RECURRENT_FN = 68, RECURRENT_ARENA = 72, RECURRENT_SCRATCH = 76
export const REVERSE_DST = 0, REVERSE_SRC = 4, REVERSE_OUTER = 8, REVERSE_STEPS = 12, REVERSE_INNER = 16
// w seen as [outer, count, inner]; LOW, HIGH, RATE: f32
export const CONSTRAIN_W = 0, CONSTRAIN_OUTER = 4, CONSTRAIN_COUNT = 8, CONSTRAIN_INNER = 12, CONSTRAIN_LOW = 16,
  CONSTRAIN_HIGH = 20, CONSTRAIN_RATE = 24
// M: f32
export const EMA_ARENA = 0, EMA_W = 4, EMA_E = 8, EMA_COUNT = 12, EMA_M = 16, EMA_EVERY = 20
export const ACCUMULATE_ARENA = 0, ACCUMULATE_G = 4, ACCUMULATE_SUM = 8, ACCUMULATE_COUNT = 12, ACCUMULATE_WHAT = 16

// ---- scratch of kernels that call the matmul ----------------------------------------------------------------------
export const PRODUCT_BYTES = 64 // the words of a matmul, in front of its scratch
export const CONV_OWN_BYTES = 192 // between them: the convolution's words of a part of a job
