"""What TensorBoard's HPARAMS tab gets to compare."""

import contextlib

import tensorflow as tf
from tensorboard import context
from tensorboard.backend.event_processing import data_provider, plugin_event_multiplexer
from tensorboard.plugins import base_plugin
from tensorboard.plugins.hparams import api_pb2, hparams_plugin, list_session_groups, metadata

from dtn_tf import config, hparams
from dtn_tf.scores import output
from tests import testing
from tests.distance_tables_test import without_judge
from tests.lines import line


def _start_info(workdir):
    """The settings in the one file that was written."""
    (path,) = (workdir / "tb" / hparams.FOLDER).iterdir()
    events = [*tf.compat.v1.train.summary_iterator(str(path))]
    (value,) = [value for event in events for value in event.summary.value]
    return metadata.parse_session_start_info_plugin_data(value.metadata.plugin_data.content)


class WriteTest(testing.TestCase):
    def test_all_settings_are_there_with_their_types(self):
        run = config.make("dtn_no_tid", seed=7, data_dir="/somewhere", data="files", log_every=3)
        hparams.write(self.directory / "a", run)
        found = _start_info(self.directory / "a").hparams
        self.assertEqual(found["row"].string_value, "dtn_no_tid")
        self.assertEqual(found["seed"].number_value, 7)
        self.assertEqual(found["alpha"].number_value, 15.0)
        self.assertIs(found["cosine"].bool_value, True)
        self.assertEqual(found["g_channels"].string_value, "256,128,64")
        for name in ("data_dir", "log_every", "eval_every", "preset", "source_dir"):
            self.assertNotIn(name, found)

    def test_a_second_time_changes_nothing(self):
        for _ in range(2):
            hparams.write(self.directory, config.make("dtn"))
            (path,) = (self.directory / "tb" / hparams.FOLDER).iterdir()
            before = path.read_bytes()
        self.assertEqual(path.read_bytes(), before)

    def test_runs_of_one_name_in_two_folders_are_two(self):
        for name in ("a", "b"):
            hparams.write(self.directory / name / "run", config.make("dtn"))
        names = {_start_info(self.directory / name / "run").group_name for name in ("a", "b")}
        self.assertLen(names, 2)


class DashboardTest(testing.TestCase):
    """TensorBoard's own plugin, asked what it would show."""

    def groups(self, logdir):
        events = plugin_event_multiplexer.EventMultiplexer(size_guidance={"tensors": 0})
        events.AddRunsFromDirectory(str(logdir))
        events.Reload()
        provider = data_provider.MultiplexerDataProvider(events, str(logdir))
        plugin = hparams_plugin.HParamsPlugin(base_plugin.TBContext(data_provider=provider))
        backend, ctx = plugin._context, context.RequestContext()
        known = backend.hparams_metadata(ctx, "")
        experiment = backend.experiment_from_metadata(ctx, "", True, known, [])
        request = api_pb2.ListSessionGroupsRequest(
            start_index=0,
            slice_size=100,
            allowed_statuses=[*range(4)],
            col_params=[api_pb2.ColParams(metric=info.name) for info in experiment.metric_infos],
        )
        handler = list_session_groups.Handler(ctx, backend, "", request)
        return experiment, handler.run().session_groups

    def test_compares_settings_and_numbers_of_runs(self):
        lines = {"a": line(accuracy=0.8), "b": line(accuracy=0.9), "c": without_judge()}
        for name, found in lines.items():
            alpha = 1.0 if name == "b" else 15.0
            hparams.write(self.directory / name, config.make("dtn", alpha=alpha))
            hparams.write_numbers(self.directory / name, "test", output.numbers(found), 1500)
            events = tf.summary.create_file_writer(str(self.directory / name / "tb" / "dtn"))
            with contextlib.closing(events), events.as_default(step=1500):
                tf.summary.scalar("loss/L_D", 1.0)  # a curve is no column
        experiment, groups = self.groups(self.directory)
        differing = [info.name for info in experiment.hparam_infos if info.differs]
        self.assertEqual(differing, ["alpha"])
        tags = {info.name.tag for info in experiment.metric_infos}
        self.assertContainsSubset({"test/accuracy", "test/original", "test/kid_floor"}, tags)
        self.assertTrue(all(tag.startswith("test/") for tag in tags), tags)
        found = {}
        for group in groups:
            for value in group.metric_values:
                found[group.name.split()[0], value.name.tag] = round(value.value, 4)
        self.assertEqual(found["a", "test/accuracy"], 0.8)
        self.assertEqual(found["b", "test/accuracy"], 0.9)
        self.assertEqual(found["c", "test/kid"], 0.0321)
        self.assertNotIn(("c", "test/accuracy"), found)
