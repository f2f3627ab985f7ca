"""The three rounds of a near deduplication."""

from functools import partial
from pathlib import Path

from llmtrain_api.data_report import Findings
from llmtrain_api.spec.step_sections.deduplication import NearDedup
from llmtrain_trainer.data.near.clusters import cluster_drops, find_clusters
from llmtrain_trainer.data.near.pairs import PARTITION_KEYS, find_pairs
from llmtrain_trainer.data.near.sketches import blanks, sketch
from llmtrain_trainer.data.near.task import NearTask
from llmtrain_trainer.data.rounds import Compared, Each
from llmtrain_trainer.data.shuffle import partitions


def compare_texts(
    compared: Compared, name: str, section: NearDedup, home: Path, each: Each
) -> None:
    """Find the documents that are like one that stays.

    Args:
        compared: what was found so far.
        name: the step's name in the data report.
        section: the step's settings.
        home: folder of all that is made.
        each: carries out a round.
    """
    documents = compared.documents
    task = NearTask(name, section, documents.units, documents.dropped, home)
    units = range(len(task.units))
    sketches = each(partial(sketch, task=task), units, "hashing sequences of words")
    num_keys = section.bands * sum(report.num_compared for report in sketches)
    shares = partitions(num_keys, PARTITION_KEYS)
    each(partial(find_pairs, task=task), shares, "comparing signatures")
    (report,) = each(partial(find_clusters, task=task), [shares], "uniting documents")
    compared.documents = documents.after(
        name, [*blanks(task, sketches), cluster_drops(task, report)]
    )
    compared.findings[name] = Findings(clusters=report.clusters)
