"""How much memory a training takes, by arithmetic: what a GPU holds while it updates, and the host a step.

Pure. It counts what grows with model, batch and pictures; fragments, CUDA's own context and buffers come on top (some
GB). Source: verl 0.9.1's FSDP2 actor (parameters in fp32, passes in bf16, gradient checkpointing) and its V1 trainer,
which keeps the processor's pictures of each rollout of a step in TransferQueue.
"""

from dataclasses import dataclass

_GB = 1e9
_FP32, _BF16 = 4, 2
PATCH, MERGE, CHANNELS, FRAMES = 14, 2, 3, 2
"""Of Qwen2.5-VL's processor: side of a patch in pixels, patches a side of a token, and what each pixel has."""


@dataclass(frozen=True)
class ModelSize:
    """A Qwen2.5-VL by its configuration.

    Attributes:
        vision_parameters: of the vision tower, its merger included.
        tied: the output layer is the embedding.
    """

    hidden: int
    intermediate: int
    layers: int
    kv_width: int
    vocabulary: int
    vision_parameters: int
    tied: bool

    @property
    def layer_parameters(self) -> int:
        """Of one layer of the language model: attention with the biases of q, k and v, three matrices, two norms."""
        attention = 2 * self.hidden**2 + 2 * self.hidden * self.kv_width + self.hidden + 2 * self.kv_width
        return attention + 3 * self.hidden * self.intermediate + 2 * self.hidden

    @property
    def parameters(self) -> int:
        """Of the whole model."""
        embeddings = self.vocabulary * self.hidden * (1 if self.tied else 2)
        return embeddings + self.layers * self.layer_parameters + self.hidden + self.vision_parameters

    def lora_parameters(self, rank: int) -> int:
        """Of an adapter on every linear layer of the language model."""
        attention = 2 * 2 * self.hidden + 2 * (self.hidden + self.kv_width)
        return self.layers * rank * (attention + 3 * (self.hidden + self.intermediate))


QWEN2_5_VL_3B = ModelSize(2048, 11008, 36, 256, 151936, 668_684_288, tied=True)
QWEN2_5_VL_7B = ModelSize(3584, 18944, 28, 512, 152064, 676_550_144, tied=False)


@dataclass(frozen=True)
class Training:
    """What is trained on what.

    Attributes:
        lora_rank: 0 trains all parameters.
        vision: the vision tower is trained too (with `lora_rank` 0).
        tokens: of a micro-batch of one GPU.
    """

    model: ModelSize
    gpus: int
    lora_rank: int = 64
    vision: bool = False
    tokens: int = 16384

    @property
    def trained(self) -> int:
        """Parameters that have gradients."""
        if self.lora_rank:
            return self.model.lora_parameters(self.lora_rank)
        return self.model.parameters - (0 if self.vision else self.model.vision_parameters)


@dataclass(frozen=True)
class GpuMemory:
    """Of one GPU during an update, in GB (1e9 bytes).

    Attributes:
        weights: the shard of all parameters, and two layers gathered for a pass.
        training: the shards of gradients and of Adam's two moments.
        activations: one checkpoint a layer, and all of the layer that is computed again.
        logits: of a micro-batch, with what the log-probabilities keep of them for the backward pass.
    """

    weights: float
    training: float
    activations: float
    logits: float

    @property
    def total(self) -> float:
        """All of it."""
        return self.weights + self.training + self.activations + self.logits


def gpu_memory(training: Training) -> GpuMemory:
    """While the actor updates, when vLLM sleeps."""
    model, tokens = training.model, training.tokens
    adapter = model.lora_parameters(training.lora_rank) if training.lora_rank else 0
    shard = (model.parameters + adapter) * _FP32 / training.gpus
    gathered = 2 * model.layer_parameters * _BF16
    # Inside a layer: input, q, k, v, output of the attention, two norms, and the three of the gated MLP.
    inside = 6 * model.hidden + 2 * model.kv_width + 3 * model.intermediate
    return GpuMemory(
        weights=(shard + gathered) / _GB,
        training=training.trained * 3 * _FP32 / training.gpus / _GB,
        activations=tokens * (model.layers * model.hidden + inside) * _BF16 / _GB,
        # In bf16 as they come and in fp32 for the softmax, and their gradient in bf16.
        logits=tokens * model.vocabulary * (2 * _BF16 + _FP32) / _GB,
    )


def rollout_room(training: Training, gpu_gb: float, utilisation: float, tensor_parallel: int) -> float:
    """What vLLM has for its KV cache on one GPU, in GB: its share, less the model's weights in bf16."""
    return gpu_gb * utilisation - training.model.parameters * _BF16 / tensor_parallel / _GB


def host_memory(prompts: int, rollouts: int, width: int, height: int) -> float:
    """What the pictures of one step put into TransferQueue on the host, in GB: each rollout carries its own patches."""
    side = PATCH * MERGE
    columns, rows = (MERGE * max(1, round(length / side)) for length in (width, height))
    values = columns * rows * PATCH**2 * CHANNELS * FRAMES
    return prompts * rollouts * values * _FP32 / _GB
