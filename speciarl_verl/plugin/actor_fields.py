"""What the actor is given of a rollout: what it computes with, without what the trainer alone reads.

verl hook: `KVBatchMeta.fields`, which the workers honour and verl's trainer leaves open: so the actor would fetch every
field of every rollout three times a step, and move each dictionary among them to its device one by one.
"""

from transfer_queue import KVBatchMeta
from verl.utils.transferqueue_utils import kv_batch_meta2batch_meta

TRAINERS_OWN = frozenset(
    {
        "data_source",
        "extra_fields",
        "extra_info",
        "global_steps",
        "metrics",
        "mm_processor_kwargs",
        "mm_processor_output",
        "num_turns",
        "reward_model",
        "session_id",
        "uid",
    }
)
"""Fields of a rollout that no computation of the actor asks for; whatever else there is, goes."""


def for_actor(batch: KVBatchMeta) -> KVBatchMeta:
    """The same batch, of which the workers fetch what they compute with."""
    names = kv_batch_meta2batch_meta(batch).field_names if batch.fields is None else batch.fields
    batch.fields = [name for name in names if name not in TRAINERS_OWN]
    return batch
