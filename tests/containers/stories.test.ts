import { stageOn } from '../e2e/stage.ts';
import { badEventStories } from '../e2e/stories/bad-events.ts';
import { badRequestStories } from '../e2e/stories/bad-requests.ts';
import { documentStories } from '../e2e/stories/documents.ts';
import { drainingStories } from '../e2e/stories/draining.ts';
import { faultStories } from '../e2e/stories/faults.ts';
import { jobStories } from '../e2e/stories/jobs.ts';
import { locationStories } from '../e2e/stories/locations.ts';
import { processStories } from '../e2e/stories/processes.ts';
import { sessionStories } from '../e2e/stories/sessions.ts';
import { statsStories } from '../e2e/stories/stats.ts';
import { tokenStories } from '../e2e/stories/tokens.ts';
import { transactionStories } from '../e2e/stories/transactions.ts';
import { watchStories } from '../e2e/stories/watches.ts';
import { startContainers } from './realm.ts';

// The stories of tests/e2e on the images as they are delivered, with the public images of the stores and of Envoy.
const stage = stageOn(startContainers);

processStories(stage);
tokenStories(stage);
statsStories(stage);
badEventStories(stage);
jobStories(stage);
badRequestStories(stage);
transactionStories(stage);
locationStories(stage);
watchStories(stage);
sessionStories(stage);
documentStories(stage);
faultStories(stage);
drainingStories(stage);
