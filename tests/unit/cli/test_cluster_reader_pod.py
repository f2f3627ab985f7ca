"""The Pod that reads a job's workspace: it may do no more than that."""

from pathlib import Path
from typing import Any

from support.cluster.jobs import full_pipeline_job

from llmtrain.cluster.reader_pod import LARGEST_BYTES, reader_pod
from llmtrain_api import names
from llmtrain_api.manifest import parse_job

_FILE = Path("/workspace/logs/pretrain-0.log")


def _pod(**spec: Any) -> dict[str, Any]:
    job = full_pipeline_job("job")
    job["spec"] |= spec
    return reader_pod(parse_job(job), "uid", _FILE, image="busybox")


def test_it_only_reads() -> None:
    claim = {"persistentVolumeClaim": {"claimName": "models", "subPath": "one"}}
    spec = _pod(workspace=claim)["spec"]
    (container,) = spec["containers"]
    assert container["command"] == ["tail", "-c", str(LARGEST_BYTES), str(_FILE)]
    (mount,) = container["volumeMounts"]
    assert (mount["mountPath"], mount["subPath"]) == ("/workspace", "one")
    assert mount["readOnly"] is True
    (volume,) = spec["volumes"]
    assert volume["persistentVolumeClaim"] == {"claimName": "models"}
    assert spec["automountServiceAccountToken"] is False
    assert not {"env", "ports", "lifecycle"} & set(container)


def test_its_image_is_the_one_that_was_asked_for() -> None:
    (container,) = _pod(image="job:1")["spec"]["containers"]
    assert container["image"] == "busybox"


def test_it_runs_where_the_job_s_heads_do_and_takes_nobody_s_place() -> None:
    head = {"nodeSelector": {"pool": "cpus"}, "tolerations": [{"key": "team"}], "memory": "8Gi"}
    pod = _pod(compute={"head": head}, policy={"priorityClassName": "high"})
    spec = pod["spec"]
    assert spec["nodeSelector"] == {"pool": "cpus"}
    assert spec["tolerations"] == [{"key": "team", "operator": "Exists"}]
    assert "priorityClassName" not in spec
    assert spec["containers"][0]["resources"]["limits"] == {"memory": "64Mi"}


def test_the_operator_does_not_take_it_for_a_pod_of_the_job() -> None:
    metadata = _pod()["metadata"]
    assert names.JOB_LABEL not in metadata["labels"]
    (owner,) = metadata["ownerReferences"]
    assert owner["uid"] == "uid"
    assert owner["blockOwnerDeletion"] is False


def test_nothing_of_it_stays_for_ever() -> None:
    spec = _pod()["spec"]
    assert spec["restartPolicy"] == "Never"
    assert spec["activeDeadlineSeconds"] <= 300
