"""The rule which pictures are s, t and the others, against what each module did before."""

import dataclasses

import numpy as np
from absl.testing import parameterized

from dtn_tf import config as config_lib
from dtn_tf.data import domains, sets, stores
from dtn_tf.errors import UserError
from tests import testing

SIZES = {
    ("svhn", "train"): 120,
    ("svhn", "extra"): 150,
    ("svhn", "test"): 60,
    ("mnist", "train"): 90,
    ("mnist", "test"): 50,
}


class Reader:
    """A store's reader of blobs; every split has its own."""

    name, where = "blobs", "Blobs."

    def __init__(self):
        self.asked = []

    def splits(self, domain):
        return ("train", "test", "extra") if domain == domains.SVHN else ("train", "test")

    def title(self, domain):
        return domain.title

    def read(self, domain, split, num):
        self.asked.append((domain.name, split))
        n = SIZES[domain.name, split]
        pixels = testing.pixels(n, domain.channels, seed=list(SIZES).index((domain.name, split)))
        return pixels, (np.arange(n) * 7 % 10).astype(np.uint8), None


class SetsTest(testing.TestCase):
    def sets(self, first_n=0, **given):
        config = config_lib.make("dtn", **given)
        self.reader = Reader()
        return sets.Sets(config, stores.Store(self.reader, "a test"), first_n)

    def whole(self, domain, split):
        return Reader().read(domain, split, 0)[:2]

    def assert_same(self, found, pixels, labels=None):
        self.assertAllEqual(found.pixels, pixels)
        if labels is None:
            self.assertIsNone(found.labels)
        else:
            self.assertAllEqual(found.labels, labels)

    def test_by_default_train_is_cut_into_s_and_validation(self):
        found = self.sets(num_validation=8)
        x, y = self.whole(domains.SVHN, "train")
        self.assert_same(found.labelled, x[:112], y[:112])
        self.assert_same(found.held_out, x[112:], y[112:])
        self.assert_same(found.s, x[:112])
        self.assert_same(found.s_labelled, x[:112], y[:112])
        self.assert_same(found.validation, x[112:], y[112:])
        self.assert_same(found.test, *self.whole(domains.SVHN, "test"))
        self.assert_same(found.t, self.whole(domains.MNIST, "train")[0])
        self.assert_same(found.target_train, *self.whole(domains.MNIST, "train"))
        self.assert_same(found.target_test, *self.whole(domains.MNIST, "test"))
        self.assertIs(found.real("validation"), found.real("test"))  # all of train is t
        self.assertIs(found.unseen, found.t)
        self.assertEqual(found.task, domains.TASKS["svhn"])

    def test_each_split_is_read_once_and_only_when_asked_for(self):
        found = self.sets()
        self.assertEmpty(self.reader.asked)
        for _ in range(2):
            found.facts(), found.labelled, found.s_labelled, found.target_train, found.test
        self.assertCountEqual(
            self.reader.asked, [("svhn", "train"), ("mnist", "train"), ("svhn", "test")]
        )

    def test_of_few_images_a_tenth_is_held_out(self):
        self.assertLen(self.sets().validation, 12)

    def test_the_reverse_task_learns_f_from_the_target(self):
        found = self.sets(domain="mnist", num_validation=5)
        x, y = self.whole(domains.MNIST, "train")
        self.assert_same(found.s, x[:85])
        self.assert_same(found.validation, x[85:], y[85:])
        x, y = self.whole(domains.SVHN, "train")
        self.assert_same(found.t, x)
        self.assert_same(found.labelled, x[:115], y[:115])
        self.assert_same(found.test, *self.whole(domains.MNIST, "test"))
        self.assertIs(found.unseen, found.s)

    def test_with_extra_s_and_table_2_are_of_extra_and_validation_is_of_train(self):
        found = self.sets(pretrain_split="extra", num_validation=8)
        x, y = self.whole(domains.SVHN, "extra")
        self.assert_same(found.s, x[:142])
        self.assert_same(found.s_labelled, x[:142], y[:142])
        self.assert_same(found.labelled, x[:142], y[:142])
        self.assert_same(found.held_out, x[142:], y[142:])
        x, y = self.whole(domains.SVHN, "train")
        self.assert_same(found.validation, x[112:], y[112:])

    def test_with_extra_the_reverse_task_still_has_train_as_s(self):
        found = self.sets(domain="mnist", pretrain_split="extra")
        self.assertEqual(found.s.title, "MNIST train[:81]")
        self.assertEqual(found.labelled.title, "SVHN extra[:135]")

    def test_train_and_extra_hold_out_the_tail_of_train(self):
        found = self.sets(pretrain_split="train+extra", num_validation=8)
        x, y = (
            np.concatenate(p)
            for p in zip(
                self.whole(domains.SVHN, "extra"), self.whole(domains.SVHN, "train"), strict=True
            )
        )
        self.assert_same(found.s_labelled, x[:-8], y[:-8])
        self.assert_same(found.held_out, x[-8:], y[-8:])
        self.assert_same(found.validation, x[-8:], y[-8:])
        self.assertEqual(found.held_out.fingerprint(), found.validation.fingerprint())
        self.assertEqual(found.s.title, "SVHN train+extra[:262]")

    def test_absent_classes_leave_each_of_s_t_and_f(self):
        found = self.sets(absent_s=(1,), absent_t=(2, 3), absent_f=(4,))
        x, y = self.whole(domains.SVHN, "train")
        self.assert_same(found.s, x[:108][y[:108] != 1])
        self.assert_same(found.s_labelled, x[:108][y[:108] != 1], y[:108][y[:108] != 1])
        kept = y != 4
        self.assert_same(found.labelled, x[kept][:-11], y[kept][:-11])
        self.assertEqual(found.labelled.title, "SVHN train without 4[:97]")
        x, y = self.whole(domains.MNIST, "train")
        self.assert_same(found.t, x[(y != 2) & (y != 3)])
        self.assertEqual(found.s.title, "SVHN train[:108] without 1")

    @parameterized.product(absent=((), (4,), tuple(range(8))), num_validation=(5, 12, 5000))
    def test_no_validation_image_trains_f(self, absent, num_validation):
        found = self.sets(absent_f=absent, num_validation=num_validation)
        of_f, validation = (
            {x.tobytes() for x in part.pixels} for part in (found.labelled, found.validation)
        )
        self.assertEqual(len(of_f & validation), 0)  # no more of them than their number is printed

    def test_where_the_tail_is_long_enough_f_learns_from_what_it_did(self):
        found = self.sets(absent_f=(4,), num_validation=9)  # of 120, as 5,000 are of SVHN train
        self.assertEqual(found.labelled.title, "SVHN train without 4[:99]")
        self.assertLen(found.held_out, 9)

    def test_the_target_split_is_t(self):
        self.assertEqual(self.sets(target_split="test").t.title, "MNIST test")

    def test_num_train_cuts_what_trains_and_nothing_that_scores(self):
        found = self.sets(num_train=40, num_validation=3)
        x, y = self.whole(domains.SVHN, "train")
        self.assert_same(found.s, x[:37])
        self.assert_same(found.validation, x[37:40], y[37:40])
        self.assert_same(found.labelled, x[:37], y[:37])
        self.assertEqual(found.s.title, "SVHN train[:40][:37]")
        self.assert_same(found.t, self.whole(domains.MNIST, "train")[0][:40])
        self.assert_same(found.target_train, *self.whole(domains.MNIST, "train"))
        self.assertLen(found.test, 60)

    def test_num_train_cuts_both_parts_of_train_and_extra(self):
        found = self.sets(num_train=40, num_validation=3, pretrain_split="train+extra")
        self.assertEqual(found.labelled.title, "SVHN extra[:40]+SVHN train[:40][:77]")
        self.assertAllEqual(found.held_out.pixels, found.validation.pixels)

    def test_num_train_beyond_the_set_is_all_of_it(self):
        self.assertEqual(self.sets(num_train=5000).t.title, "MNIST train")

    def test_first_n_cuts_the_test_split_alone(self):
        found = self.sets(first_n=25)
        x, y = self.whole(domains.SVHN, "test")
        self.assert_same(found.test, x[:25], y[:25])
        self.assertEqual(found.test.title, "SVHN test[:25]")
        self.assertLen(found.target_test, 50)
        with self.assertRaisesRegex(UserError, "SVHN test has 60 images: the first 61"):
            _ = self.sets(first_n=61).test

    @parameterized.parameters("s", "t", "validation", "labelled")
    def test_fewer_than_ten_images_are_refused_before_training(self, name):
        with self.assertRaisesRegex(UserError, "train.* has 9 images; at least 10"):
            getattr(self.sets(num_train=9), name)

    def test_facts_name_s_t_and_validation(self):
        found = self.sets()
        facts = found.facts()
        self.assertEqual(list(facts), ["s", "t", "validation"])
        self.assertEqual(facts["s"], found.s.facts())
        self.assertEqual(facts["validation"]["title"], "SVHN train[108:]")

    def test_s_has_no_label_and_balancing_leaves_it_as_it_was(self):
        found = self.sets()
        self.assertIsNone(found.s.labels)
        other = found.s.balanced(np.zeros(len(found.s), int), 0)
        self.assertIsNone(found.s.order)
        self.assertEqual(other.fingerprint(), found.s.fingerprint())
        self.assertIsNone(dataclasses.replace(other, order=None).labels)
