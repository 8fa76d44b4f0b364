import { setStage } from './stage.ts';
import { badEventStories } from './stories/bad-events.ts';
import { badRequestStories } from './stories/bad-requests.ts';
import { docsPageStories } from './stories/docs-page.ts';
import { documentStories } from './stories/documents.ts';
import { drainingStories } from './stories/draining.ts';
import { faultStories } from './stories/faults.ts';
import { jobStories } from './stories/jobs.ts';
import { locationStories } from './stories/locations.ts';
import { processStories } from './stories/processes.ts';
import { sessionStories } from './stories/sessions.ts';
import { statsStories } from './stories/stats.ts';
import { tokenStories } from './stories/tokens.ts';
import { transactionStories } from './stories/transactions.ts';
import { watchStories } from './stories/watches.ts';

// One realm for all stories, which follow one another: those that kill and stop processes come last.
const stage = setStage();

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
docsPageStories(stage);
faultStories(stage);
drainingStories(stage);
